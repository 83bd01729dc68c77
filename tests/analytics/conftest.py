"""What the tests of analytics share: a story in the event log, and a look into a snapshot."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orket_pipelines.agents.model import Outcome, Purpose
from orket_pipelines.agents.records import Session, Turn, end_session, insert_session, insert_turn
from orket_pipelines.analytics import refresh
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards, move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.clock import FakeClock
from orket_pipelines.forge.model import Verdict
from orket_pipelines.policy import Violation, record_violation
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, append

Rows = list[tuple[Any, ...]]
Look = Callable[[Path, str], Rows]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(home=tmp_path / "home", database_url=database_url)


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.home / "analytics"


@pytest.fixture
def look() -> Look:
    """Ask a snapshot or a warehouse directly, as anybody's DuckDB does."""

    def ask(path: Path, query: str) -> Rows:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("ATTACH ? AS opened (READ_ONLY)", [str(path)])
            connection.execute("USE opened")
            return connection.execute(query).fetchall()

    return ask


@pytest.fixture
def story(store: Store, clock: FakeClock) -> Store:
    """One issue that is delivered on 14 November 2023, from 22:13:20 UTC, and one that only begins after midnight."""
    Teller(store, clock).tell()
    return store


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The story drained once, for tests that only ask."""
    home = tmp_path_factory.mktemp("told")
    settings = Settings(home=home)
    clock = FakeClock()
    with closing(Store.open(settings.store_url, clock=clock)) as store:
        Teller(store, clock).tell()
        refresh(settings, store)
    return settings


class Teller:
    """Writes the story, by the rooms' own records where they have them."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store, self.clock = store, clock

    def tell(self) -> None:
        rock = Card("todo", CardKind.ROCK, "To-do", rock_id="todo")
        api = Card("api", CardKind.ISSUE, "The API", parent_id="todo", rock_id="todo", seat="coder", priority=3.0)
        page = Card("page", CardKind.ISSUE, "The page", parent_id="todo", rock_id="todo", depends_on=("api",))
        with self.store.write() as tx:
            insert_cards(tx, [rock, api, page])
        self.clock.advance(10)
        self._deliver()
        self.clock.advance(2 * 3600)
        self._move("page", CardState.IN_PROGRESS)
        self._watch()

    def _watch(self) -> None:
        """A rock that was delivered elsewhere is in its bug-fix phase; one bug is found and fixed, one left."""
        about = {"rock": "shop", "severity": "major", "priority": 2.0, "source": "agent", "by": "coder"}
        phase = {"state": "active", "planned_days": 7.0, "elapsed_days": 0.0, "extensions": 0, "reason": ""}
        with self.store.write() as tx:
            append(tx, "bug_phase.started", "shop", phase)
            for name in ("blank", "slow"):
                append(tx, "bug.reported", name, about | {"name": name, "in_phase": True})
        ended = {"state": "completed", "elapsed_days": 7.0, "reason": "its 7 days are over", "left_to": "shop-phase2"}
        with self.store.write() as tx:
            append(tx, "card.moved", "blank", {"from": "code_review", "to": "done", "kind": "issue", "rock": "shop"})
            append(tx, "bug_phase.ended", "shop", phase | ended)

    def _deliver(self) -> None:
        self._move("api", CardState.IN_PROGRESS)
        about = {"attempt": 1, "repository": "todo", "branch": "orket/api/1", "rock": "todo"}
        self._append("attempt.started", about | {"base_commit": "base"})
        self._work("s1", Purpose.WORK, 1, Outcome(request=CardState.READY_FOR_TESTING, text="ready"))
        self._append("code.committed", about | {"commit": "c1", "message": "The API"})
        self._move("api", CardState.READY_FOR_TESTING)
        self._tests(passed=False, commit="c1", counts={"passed": 3, "failed": 1})
        self._move("api", CardState.IN_PROGRESS)
        self._work("s2", Purpose.TESTS_FAILED, 1, Outcome(request=CardState.READY_FOR_TESTING))
        self._append("code.committed", about | {"commit": "c2", "message": "The API"})
        self._move("api", CardState.READY_FOR_TESTING)
        self._tests(passed=True, commit="c2", counts={"passed": 4})
        number = {"repository": "todo", "number": 1, "rock": "todo"}
        opened = {"head": "orket/api/1", "commit": "c2", "title": "The API", "attempt": 1}
        self._append("pull_request.opened", number | opened)
        self._move("api", CardState.CODE_REVIEW)
        self._review("s3", number)
        self._append("pull_request.merged", number | {"merge_commit": "m1", "head": "c2"})
        self._deployed()
        self._move("api", CardState.DONE, guard_approved=True)

    def _work(self, session_id: str, purpose: Purpose, visit: int, outcome: Outcome) -> None:
        session = self._session(session_id, "coder", purpose, visit)
        self._turn(session, number=1, cost=0.0125)
        self._tool(session, number=1, tool="write", outcome="denied")
        with self.store.write() as tx:
            attempted = {"tool": "write", "path": "../out"}
            violation = Violation("path", "coder", attempted, "outside", "stay inside", "api", session_id)
            record_violation(tx, violation)
        self._turn(session, number=2, cost=0.0125)
        self._tool(session, number=2, tool="write", outcome="done")
        self._end(session, outcome)

    def _review(self, session_id: str, number: dict[str, Any]) -> None:
        session = self._session(session_id, "integrity_guard", Purpose.REVIEW, 1)
        self._turn(session, number=1, cost=None)
        self._end(session, Outcome(verdict=Verdict.APPROVED, text="well done"))
        said = {"reviewer": "integrity_guard", "verdict": "approved", "commit": "c2", "body": "well done"}
        self._append("pull_request.reviewed", number | said)

    def _session(self, session_id: str, role: str, purpose: Purpose, visit: int) -> Session:
        session = Session(session_id, "api", 1, role, purpose, visit, "base", "small-model", [], None)
        with self.store.write() as tx:
            insert_session(tx, session)
        return session

    def _turn(self, session: Session, *, number: int, cost: float | None) -> None:
        self.clock.advance(2)
        turn = Turn(number, [], "small-model", 1_000, 100, cost, self.clock.now() - 2_000_000, self.clock.now())
        with self.store.write() as tx:
            insert_turn(tx, session, turn, 2.0)

    def _tool(self, session: Session, *, number: int, tool: str, outcome: str) -> None:
        about = {"session_id": session.id, "card": "api", "role": session.role, "turn": number}
        called = {"call_id": f"call-{number}", "tool": tool, "arguments": {"path": "app.py"}}
        verdict = "denied" if outcome == "denied" else "allowed"
        ended = {"verdict": verdict, "outcome": outcome, "seconds": 0.5, "result": "ok"}
        self._append("tool.called", about | called | ended)

    def _end(self, session: Session, outcome: Outcome) -> None:
        with self.store.write() as tx:
            end_session(tx, session, outcome)

    def _tests(self, *, passed: bool, commit: str, counts: dict[str, int]) -> None:
        self.clock.advance(5)
        about = {"suite": "project", "purpose": "head", "commit": commit, "attempt": 1, "rock": "todo"}
        results = ["passed"] * counts["passed"] + ["failed"] * counts.get("failed", 0)
        # It took two runs to see the first of them pass.
        results[0] = "passed" if passed else "flaky"
        cases = [{"name": f"test_{number}", "outcome": each, "seconds": 0.5} for number, each in enumerate(results)]
        told = {"passed": passed, "counts": counts, "seconds": 5.0, "cases": cases, "run_id": f"run-{commit}"}
        self._append("tests.finished", about | told)

    def _deployed(self) -> None:
        about = {"rock_id": "todo", "generation": 1, "state": "running", "commit": "m1", "isolation": "container"}
        where = {"urls": {"api": "http://127.0.0.1:20000"}, "front": "api", "note": "", "seconds": 1.5}
        with self.store.write() as tx:
            append(tx, "sandbox.changed", "sandbox-1", about | where)

    def _move(self, card: str, to: CardState, *, guard_approved: bool = False) -> None:
        self.clock.advance(1)
        move_card(self.store, card, Move(to, "system", guard_approved=guard_approved))

    def _append(self, kind: str, payload: dict[str, Any]) -> None:
        with self.store.write() as tx:
            append(tx, kind, "api", payload)
