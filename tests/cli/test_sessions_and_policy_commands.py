"""`orket sessions` and `orket policy`: transcripts and refusals."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.model import Outcome, Purpose
from orket_pipelines.agents.records import Session, Turn, end_session, insert_session, insert_turn, switched_to
from orket_pipelines.cards import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.cli import sessions
from orket_pipelines.policy import Violation, record_violation
from orket_pipelines.store import Store, effect_kind
from orket_pipelines.store.effects import DONE, begin_in, end
from tests.cli.conftest import Orket

CALL = effect_kind("test.transcript_call")


@pytest.fixture
def session(opened: Store) -> Session:
    """A session of one turn with a call that was denied, and a second that asks for tests."""
    session = Session("s1", "storage", 1, "coder", Purpose.WORK, 1, "c" * 40, "scripted/todo", [], None)
    call = {
        "part_kind": "tool-call",
        "tool_name": "write_file",
        "args": {"path": "/etc/x", "content": "a\nb"},
        "tool_call_id": "t1",
    }
    said = {"kind": "response", "parts": [{"part_kind": "text", "content": "I write it.\x07"}, call]}
    turn = Turn(1, [said], "scripted/todo", 100, 20, None, 1_000_000, 3_500_000)
    with opened.write() as tx:
        insert_session(tx, session)
        insert_turn(tx, session, turn, 2.5)
        intent = {"turn": 1, "position": 0, "call_id": "t1", "tool": "write_file"}
        begin_in(tx, CALL, "k1", subject="s1", intent=intent, fencing_token=None)
        end(
            tx,
            "k1",
            DONE,
            {"verdict": "denied", "text": "outside the checkout" + "." * 600 + "<script>alert(1)</script>"},
        )
        end_session(tx, session, Outcome(request=CardState.READY_FOR_TESTING))
    return session


@pytest.mark.usefixtures("session")
def test_a_transcript_shows_what_was_said_called_and_told(orket: Orket) -> None:
    told = orket("sessions", "show", "s1").stdout
    assert told.startswith("coder on storage, called for work (visit 1), model scripted/todo\n")
    assert "turn 1: 100 tokens in, 20 out, price unknown, 2.5 s\n  I write it.\\x07\n" in told
    call = "  → write_file path=/etc/x\n    content:\n    │ a\n    │ b\n    [denied] outside the checkout"
    assert call in told
    assert "… (254 characters more)" in told
    assert told.endswith("ended: ready_for_testing\n")


@pytest.mark.usefixtures("session")
def test_a_transcript_is_whole_where_that_is_asked_for(orket: Orket) -> None:
    assert "." * 600 in orket("sessions", "show", "s1", "--full").stdout


@pytest.mark.usefixtures("session")
def test_sessions_are_listed_with_their_outcome(orket: Orket, asked: Callable[..., Any]) -> None:
    (listed,) = asked("sessions", "list", "--card", "storage")
    assert (listed["id"], listed["turns"], listed["outcome"]["request"]) == ("s1", 1, "ready_for_testing")
    assert "there is no card 'other'" in orket("sessions", "list", "--card", "other").stderr
    assert "coder  work     1      ready_for_testing" in orket("sessions", "list").stdout


@pytest.mark.usefixtures("session")
def test_a_transcript_for_a_machine_has_everything(asked: Callable[..., Any]) -> None:
    told = asked("sessions", "show", "s1")
    assert told["turns"][0]["messages"][0]["parts"][1]["tool_name"] == "write_file"
    assert told["calls"][0]["result"]["verdict"] == "denied"


def test_a_session_that_is_not_there_says_how_to_find_one(orket: Orket) -> None:
    done = orket("sessions", "show", "nobody")
    assert done.exit_code == 1
    assert "orket sessions list" in done.stderr


def test_a_refusal_says_how_to_do_it_right(orket: Orket, asked: Callable[..., Any], opened: Store) -> None:
    violation = Violation("cancel_needs_manager", "coder", {"move": "x"}, "coder may not cancel", "Ask.", "storage")
    with opened.write() as tx:
        record_violation(tx, violation)
    with opened.write() as tx:
        insert_cards(tx, [Card("storage", CardKind.ISSUE, "Storage", rock_id="list")])
    assert [each["rule"] for each in asked("policy", "list", "--card", "storage")] == ["cancel_needs_manager"]
    assert "there is no card 'other'" in orket("policy", "list", "--card", "other").stderr
    told = orket("policy", "show", violation.id).stdout
    assert "cancel_needs_manager, by coder at " in told
    assert "refused:   coder may not cancel\n  instead:   Ask." in told


def test_refusals_are_listed_by_rock_rule_and_role(orket: Orket, asked: Callable[..., Any], opened: Store) -> None:
    given = [("transition", "coder", "a"), ("boundary", "coder", "b"), ("transition", "qa", "c")]
    with opened.write() as tx:
        insert_cards(tx, [Card(name, CardKind.ISSUE, name, rock_id=rock) for name, rock in ("ar", "br", "cs")])
        insert_cards(tx, [Card(name, CardKind.ROCK, name, rock_id=name) for name in "rs"])
        for rule, actor, card_id in given:
            record_violation(tx, Violation(rule, actor, {"tool": "x"}, "no", "so", card_id, session_id="s1"))

    def listed(*words: str) -> str:
        return "".join(sorted(each["card_id"] for each in asked("policy", "list", *words)))

    assert (listed(), listed("--rock", "r"), listed("--rule", "transition")) == ("abc", "ab", "ac")
    assert listed("--rule", "transition", "--actor", "qa") == "c"
    assert orket("policy", "list", "--rule", "none").stdout == "Nothing was refused.\n"
    (found,) = asked("policy", "list", "--actor", "qa")
    told = orket("policy", "show", found["id"]).stdout
    assert 'attempted: {"tool": "x"}\n' in told
    assert told.endswith("session:   orket sessions show s1\n")


def test_a_refusal_that_is_not_there_says_how_to_find_one(orket: Orket) -> None:
    assert "orket policy list" in orket("policy", "show", "nothing").stderr


@pytest.mark.usefixtures("session")
def test_a_transcript_is_a_page_in_which_nothing_of_a_model_is_obeyed(orket: Orket, tmp_path: Path) -> None:
    page = tmp_path / "s1.html"
    assert str(page) in orket("sessions", "show", "s1", "--html", page).stdout
    text = page.read_text()
    assert "coder on storage: work, visit 1" in text
    assert '<details class="denied"><summary><code>write_file</code> path=/etc/x <i>denied</i>' in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script" not in text
    assert "default-src 'none'" in text


def test_a_session_is_followed_to_its_end(orket: Orket, opened: Store, session: Session) -> None:
    told = orket("sessions", "follow", "s1").stdout
    assert told == orket("sessions", "show", "s1").stdout
    lines = orket("sessions", "follow", "s1", "--json").stdout.splitlines()
    assert [json.loads(line)["turn"]["number"] for line in lines] == [1]


def test_a_session_that_goes_on_is_told_turn_by_turn_each_once(
    orket: Orket, opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes four turns while it is followed; at the last look it is over."""
    monkeypatch.setattr(sessions, "LOOK", 0.05)
    session = Session("s3", "storage", 1, "coder", Purpose.WORK, 1, "c" * 40, "scripted/todo", [], None)
    with opened.write() as tx:
        insert_session(tx, session)

    def go_on() -> None:
        for number in range(1, 5):
            said = {"kind": "response", "parts": [{"part_kind": "text", "content": f"Word {number}."}]}
            time.sleep(0.15)
            with opened.write() as tx:
                insert_turn(tx, session, Turn(number, [said], "scripted/todo", 100, 20, None, 0, 1), 1.0)
        with opened.write() as tx:
            end_session(tx, session, Outcome(request=CardState.READY_FOR_TESTING))

    author = threading.Thread(target=go_on)
    author.start()
    told = orket("sessions", "follow", "s3").stdout
    author.join()
    assert told == orket("sessions", "show", "s3").stdout
    assert told.count("coder on storage, called for work") == 1
    assert [told.count(f"Word {number}.") for number in range(1, 5)] == [1, 1, 1, 1]


def test_a_session_that_has_ended_is_not_carried_on(orket: Orket, opened: Store, session: Session) -> None:
    with opened.write() as tx:
        insert_cards(tx, [Card("storage", CardKind.ISSUE, "Storage", rock_id="todo")])
        insert_cards(tx, [Card("other", CardKind.ISSUE, "Other", rock_id="elsewhere")])
    done = orket("sessions", "resume", "s1")
    assert "session s1 has ended: ready_for_testing" in done.stderr
    assert "orket issues deliver storage" in done.stderr
    assert "other is not of the rock" in orket("sessions", "resume", "s1", "--from", "other").stderr


def test_a_session_is_switched_to_another_model_unless_it_is_over_or_there_is_none(
    orket: Orket, opened: Store, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_MODELS", '{"small": {"base_url": "http://127.0.0.1:9/v1"}}')
    with opened.write() as tx:
        insert_session(tx, replace(session, id="s2", visit=2))
    done = orket("sessions", "switch-model", "s2", "small")
    assert done.exit_code == 0
    assert "goes on with small from its next turn" in done.stdout
    with opened.read() as tx:
        assert switched_to(tx, "s2") == "small"
    assert "there is no session 's3'" in orket("sessions", "switch-model", "s3", "small").output
    assert "session s1 is over" in orket("sessions", "switch-model", "s1", "small").output
    assert "no model 'smal'; is small meant?" in orket("sessions", "switch-model", "s2", "smal").output
