"""The label of issues of which something was refused, on the forge."""

from typing import Any

import pytest

from orket_pipelines.cards import CardState, Move
from orket_pipelines.cards.records import move_card
from orket_pipelines.delivery import Result
from orket_pipelines.delivery.labels import POLICY_VIOLATION, find_unlabelled
from orket_pipelines.delivery.upkeep import look_after
from orket_pipelines.errors import TransitionRefused
from orket_pipelines.policy import list_violations
from orket_pipelines.store import read_events
from tests.delivery.conftest import APPROVE, READY, scene, write

pytestmark = pytest.mark.slow

TRESPASS = scene("work", write(".github/workflows/ci.yml", "on: push\n"), write("a", "1"), READY)


def labels_of(line: Any, card_id: str) -> tuple[str, ...]:
    found = line.forge.find_pull_request("rock", head=f"orket/default/{card_id}/1", base="main")
    assert found is not None
    labels: tuple[str, ...] = found.labels
    return labels


def told_of(line: Any, card_id: str) -> int:
    with line.store.read() as tx:
        return sum(event.kind == "pull_request.labeled" for event in read_events(tx, subject=card_id))


def test_a_call_that_was_denied_before_there_was_a_pull_request_shows_on_it(line: Any) -> None:
    line.add("one", "two")
    line.scripts = {"one": {"coder": [TRESPASS]}}
    assert {found.result for found in line.deliver().values()} == {Result.DONE}

    assert labels_of(line, "one") == (POLICY_VIOLATION,)
    assert labels_of(line, "two") == ()
    assert (told_of(line, "one"), told_of(line, "two")) == (1, 0)


def test_a_call_that_is_denied_in_a_review_shows_too_and_is_told_once(line: Any) -> None:
    line.add("one")
    denied = {"write_file": {"path": "a", "content": "mine"}}
    line.scripts = {"one": {"integrity_guard": [scene("review", denied, denied, APPROVE)]}}
    assert line.deliver()["one"].result is Result.DONE

    assert labels_of(line, "one") == (POLICY_VIOLATION,)
    assert told_of(line, "one") == 1


def test_what_is_refused_when_nobody_works_on_the_issue_is_labelled_by_the_upkeep(line: Any) -> None:
    line.add("one")
    line.deliver()
    with pytest.raises(TransitionRefused):
        move_card(line.store, "one", Move(CardState.IN_PROGRESS, "coder"))
    assert labels_of(line, "one") == ()

    assert look_after(line.factory).labelled == ("one",)
    assert labels_of(line, "one") == (POLICY_VIOLATION,)
    assert look_after(line.factory).is_nothing


def test_a_label_that_is_put_on_again_is_there_once(line: Any) -> None:
    line.add("one")
    line.scripts = {"one": {"coder": [TRESPASS]}}
    line.deliver()
    with line.store.read() as tx:
        assert find_unlabelled(tx) == []
    line.forge.label("rock", 1, (POLICY_VIOLATION,))
    assert labels_of(line, "one") == (POLICY_VIOLATION,)


def test_an_issue_too_many_that_an_agent_asks_for_is_refused_on_record(line: Any) -> None:
    line.add("one", seat="project_manager")
    line.add(*(f"other-{number}" for number in range(6)), state=CardState.CANCELED)
    more = {"create_issue": {"name": "Yet another", "description": "More."}}
    line.scripts = {"one": {"project_manager": [scene("work", more, write("a", "1"), READY)]}}
    assert line.deliver()["one"].result is Result.DONE

    with line.store.read() as tx:
        (refused,) = list_violations(tx, card_id="one")
    assert (refused.rule, refused.actor, refused.attempted["tool"]) == ("complexity", "project_manager", "create_issue")
    assert refused.fix == "Ask a person in a comment to cut it into parts, or to split it."
    assert labels_of(line, "one") == (POLICY_VIOLATION,)
