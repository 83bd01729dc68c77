"""`orket bugs`: reported, listed, shown."""

from collections.abc import Callable
from getpass import getuser
from typing import Any

import pytest

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import abort, begin, close
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.store import Store

from .conftest import Orket

pytestmark = pytest.mark.slow

Ask = Callable[..., Any]


@pytest.fixture
def delivered(opened: Store) -> Store:
    with opened.write() as tx:
        insert_cards(tx, [Card("todo", CardKind.ROCK, "To-do", CardState.DONE, rock_id="todo")])
    return opened


def test_a_bug_is_reported_listed_and_shown(asked: Ask, delivered: Store) -> None:
    where = ("--scenario", "GET /", "--commit", "c1")
    made = asked("bugs", "report", "todo", "The page is blank", "--severity", "critical", *where)
    assert (made["id"], made["priority"], made["by"]) == ("todo-bug-the-page-is-blank", 3.0, getuser())
    assert made["found_in"] == {"commit": "c1", "sandbox": None, "scenario": "GET /"}
    assert asked("bugs", "report", "todo", "Slow", "--severity", "minor")["priority"] == 1.0
    assert [each["name"] for each in asked("bugs", "list", "--rock", "todo")] == ["The page is blank", "Slow"]
    again = asked("bugs", "report", "todo", "The page is blank", "--description", "Still.")
    assert again["id"] == made["id"]
    assert asked("bugs", "show", made["id"])["comments"] == [{"author": getuser(), "body": "Seen again. Still."}]


def test_people_read_where_a_bug_was_seen(orket: Orket, delivered: Store) -> None:
    said = orket("bugs", "report", "todo", "Blank", "--commit", "c1", "--description", "Open it.").stdout
    assert said.splitlines() == [
        "todo-bug-blank: major, an issue of todo.",
        "Have it fixed: orket issues deliver todo-bug-blank",
    ]
    shown = orket("bugs", "show", "todo-bug-blank").stdout
    assert "commit: c1\n" in shown
    assert "Open it." in shown
    assert "Blank" in orket("bugs", "list").stdout


def test_a_bug_of_a_rock_whose_phase_is_over_says_where_it_went(orket: Orket, delivered: Store) -> None:
    rules, moment = BugPhases(), delivered.clock.moment()
    with delivered.write() as tx:
        begin(tx, get_card(tx, "todo"), moment, rules)
        abort(tx, "todo", by="ada", reason="")
        close(tx, "todo", moment, rules)
    said = orket("bugs", "report", "todo", "Blank").stdout.splitlines()[0]
    assert said == "todo-phase2-bug-blank: major, an issue of todo-phase2: the bug-fix phase of todo is over."


def test_what_cannot_be_reported_is_told_with_the_next_command(orket: Orket, delivered: Store) -> None:
    assert orket("bugs", "list").stdout == "No bug is open. Report one: orket bugs report ROCK NAME\n"
    unknown = orket("bugs", "report", "nothing", "Blank")
    assert (unknown.exit_code, "orket cards list" in unknown.output) == (1, True)
    wrong = orket("bugs", "report", "todo", "Blank", "--severity", "urgent")
    assert (wrong.exit_code, "critical, major, minor" in wrong.output) == (2, True)
    assert orket("bugs", "show", "todo").exit_code == 1
