from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.tools.model import Desk, SandboxStatus, ToolResult
from orket_pipelines.agents.tools.report_bug import REPORT_BUG
from orket_pipelines.cards.bugs import FoundIn, Severity, Source, bugs_of
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import comments_of, insert_cards
from orket_pipelines.errors import CardError
from orket_pipelines.store import Store

Call = Callable[..., ToolResult]


@dataclass(frozen=True)
class Running:
    def status(self) -> SandboxStatus:
        return SandboxStatus("running", "c1", 1, ("api",), "")

    def logs(self, *, tail: int) -> dict[str, str]:
        return {}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'orket.db'}"


@pytest.fixture
def desk(desk: Desk, store: Store) -> Desk:
    with store.write() as tx:
        insert_cards(
            tx,
            [
                Card("todo", CardKind.ROCK, "rock", CardState.DONE, rock_id="todo"),
                Card("ISSUE-1", CardKind.ISSUE, "issue", parent_id="todo", rock_id="todo"),
            ],
        )
    return replace(desk, store=store, sandbox=Running())


@pytest.fixture
def report(call: Call, desk: Desk) -> Callable[..., ToolResult]:
    def report(name: str = "The page is blank", **more: Any) -> ToolResult:
        result = call(REPORT_BUG, name=name, description="Open it: nothing.", severity="critical", **more)
        if result.record is not None:
            with desk.store.write() as tx:
                result.record(tx)
        return result

    return report


def test_a_bug_becomes_an_issue_of_the_rock_that_says_where_it_was_seen(report: Call, desk: Desk) -> None:
    assert report(seen_in="sandbox", scenario="GET /").text.startswith("Reported to the rock todo, as critical.")
    with desk.store.read() as tx:
        (bug,) = bugs_of(tx, "todo")
    assert (bug.card.id, bug.card.name, bug.card.priority) == ("todo-bug-the-page-is-blank", "The page is blank", 3.0)
    assert (bug.severity, bug.source, bug.by, bug.in_phase) == (Severity.CRITICAL, Source.AGENT, "coder", True)
    assert bug.found_in == FoundIn("c1", "todo", "GET /")


def test_what_was_seen_in_the_checkout_was_seen_at_its_commit(report: Call, desk: Desk) -> None:
    report()
    with desk.store.read() as tx:
        (bug,) = bugs_of(tx, "todo")
    assert bug.found_in == FoundIn("0" * 40, None, None)


def test_a_bug_that_is_reported_twice_is_one_with_a_comment(report: Call, desk: Desk) -> None:
    report()
    report("The  page is blank")
    with desk.store.read() as tx:
        (bug,) = bugs_of(tx, "todo")
        assert comments_of(tx, bug.card.id) == [("coder", "Seen again. Open it: nothing.")]


def test_a_card_outside_any_rock_has_nowhere_to_report_to(report: Call, desk: Desk, store: Store) -> None:
    with store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE cards SET rock_id = NULL WHERE id = 'ISSUE-1'")
    with pytest.raises(CardError, match="belongs to no rock"):
        report()
