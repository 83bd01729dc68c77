"""`orket bugs phase`: what goes on, and its end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import begin
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.store import Store

from .conftest import Orket

pytestmark = pytest.mark.slow

Ask = Callable[..., Any]


@pytest.fixture
def phase(opened: Store) -> Store:
    rock = Card("todo", CardKind.ROCK, "To-do", CardState.DONE, rock_id="todo")
    with opened.write() as tx:
        insert_cards(tx, [rock])
        begin(tx, rock, opened.clock.moment(), BugPhases())
    return opened


def test_a_phase_is_listed_shown_extended_and_aborted(asked: Ask, orket: Orket, phase: Store, tmp_path: Path) -> None:
    bug = asked("bugs", "report", "todo", "Blank", "--severity", "critical")["id"]
    (listed,) = asked("bugs", "phase", "list")
    assert (listed["rock_id"], listed["state"], listed["found"], listed["planned_days"]) == ("todo", "active", 1, 7)
    longer = asked("bugs", "phase", "extend", "todo", "--days", 2, "--reason", "the fair")
    assert (longer["state"], longer["reason"], longer["planned"]) == ("extended", "the fair", 9 * 86_400_000_000)
    (ended,) = asked("bugs", "phase", "abort", "todo", "--reason", "sold")
    assert (ended["state"], ended["left_to"], ended["trouble"]) == ("aborted", "todo-phase2", "")
    assert asked("bugs", "phase", "list") == []
    assert asked("cards", "show", bug)["rock_id"] == "todo-phase2"
    page = tmp_path / "report.html"
    said = orket("bugs", "phase", "show", "todo", "--html", page).stdout
    assert "aborted, after 0 of 9 days: sold. 1 bug was found, 0 fixed." in said
    assert "Blank" in page.read_text()


def test_a_phase_may_be_looked_after_without_dagster(asked: Ask, orket: Orket, phase: Store) -> None:
    assert [each["state"] for each in asked("bugs", "phase", "check")] == ["active"]
    assert "todo: 0 suites tried, 0 failed, 0 bugs" in orket("bugs", "phase", "check", "--verify").stdout


def test_what_cannot_be_is_told_with_the_next_command(orket: Orket, phase: Store) -> None:
    for words in (("show", "nothing"), ("extend", "nothing"), ("abort", "nothing")):
        refused = orket("bugs", "phase", *words)
        assert (refused.exit_code, "orket bugs phase list" in refused.output) == (1, True)
    long = orket("bugs", "phase", "extend", "todo", "--days", 30)
    assert (long.exit_code, "may last 28" in long.output) == (1, True)
    assert "No critical bug of todo is open." in orket("bugs", "fix", "todo").stdout
