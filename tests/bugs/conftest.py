"""A rock that was delivered, and time that the tests move."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.cards.bugs import Finding, Severity, report
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.clock import FakeClock
from orket_pipelines.store import Store

Report = Callable[..., str]
DAY = 86_400


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What a phase stores is plain; the kills try PostgreSQL."""
    return f"sqlite:///{tmp_path / 'orket.db'}"


@pytest.fixture
def delivered(store: Store) -> Store:
    with store.write() as tx:
        suites = [{"name": "page", "kind": "e2e", "file": "page.py", "source": "x", "digest": "d"}]
        rock = Card("todo", CardKind.ROCK, "To-do", CardState.DONE, rock_id="todo", details={"suites": suites})
        epic = Card("epic", CardKind.EPIC, "Epic", CardState.DONE, parent_id="todo", rock_id="todo")
        one = Card("one", CardKind.ISSUE, "One", CardState.DONE, parent_id="epic", rock_id="todo")
        insert_cards(tx, [rock, epic, one])
    return store


@pytest.fixture
def bug(delivered: Store, clock: FakeClock) -> Report:
    """Report a bug of the rock; its id."""

    def found(name: str, severity: str = "major") -> str:
        with delivered.write() as tx:
            return report(tx, "todo", Finding(name, name, Severity(severity))).card.id

    return found
