"""Reads of test runs, reads and writes of what they left."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.errors import OrketError
from orket_pipelines.store import Prepared, Transaction, new_id, tables
from orket_pipelines.verification.model import Artifact, Case, CaseOutcome, SuiteReport

_artifacts, _runs = tables.artifacts, tables.test_runs
RUNS = 50
"""Of the last runs, that are listed where nobody says otherwise."""
_insert = Prepared(sa.insert(_artifacts))
_of_run = Prepared(
    sa.select(_artifacts)
    .where(
        _artifacts.c.workspace_id == sa.bindparam("workspace_id"),
        _artifacts.c.test_run_id == sa.bindparam("test_run_id"),
    )
    .order_by(_artifacts.c.name)
)


def store_artifacts(
    tx: Transaction, *, home: Path, run_id: str, card_id: str, artifacts: Iterable[Artifact]
) -> list[dict[str, Any]]:
    """Store what a test run left; what an event may tell of it. The files lie under `home` already."""
    told = []
    for artifact in artifacts:
        facts = {
            "name": artifact.name,
            "media_type": artifact.media_type,
            "path": artifact.path.relative_to(home.resolve()).as_posix(),
            "size": artifact.size,
            "sha256": artifact.sha256,
        }
        row = {"id": new_id(), "test_run_id": run_id, "card_id": card_id, "created_at": tx.now}
        tx.execute(_insert, {"workspace_id": tx.workspace_id, **row, **facts})
        told.append(facts)
    return told


def artifacts_of(tx: Transaction, run_id: str, *, home: Path) -> list[Artifact]:
    """What a test run left, by name; whether the files are still there is not asked."""
    rows = tx.execute(_of_run, {"workspace_id": tx.workspace_id, "test_run_id": run_id})
    return [Artifact(row.name, row.media_type, home.resolve() / row.path, row.size, row.sha256) for row in rows]


def write_cases(cases: Iterable[Case]) -> list[dict[str, Any]]:
    """Cases as `test_runs.cases` holds them."""
    return [
        {"name": case.name, "outcome": str(case.outcome), "seconds": round(case.seconds, 3), "message": case.message}
        for case in cases
    ]


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run of a suite as it is stored. `purpose` is its occasion: head, merged, sandbox, regression or nightly.
    Times are in microseconds."""

    id: str
    card_id: str
    attempt: int
    suite: str
    purpose: str
    commit: str
    report: SuiteReport
    started_at: int
    ended_at: int
    sandbox_id: str | None

    @property
    def verdict(self) -> str:
        """In a word."""
        if not self.report.passed:
            return "failed"
        return "flaky" if self.report.counts.get("flaky") else "passed"

    @property
    def seconds(self) -> float:
        """From start to end."""
        return (self.ended_at - self.started_at) / 1e6


def list_test_runs(tx: Transaction, *, card_id: str | None = None, limit: int = RUNS) -> list[StoredRun]:
    """The last runs, the latest first; what they left is not among it."""
    query = sa.select(_runs).where(_runs.c.workspace_id == tx.workspace_id)
    if card_id is not None:
        query = query.where(_runs.c.card_id == card_id)
    query = query.order_by(_runs.c.ended_at.desc(), _runs.c.position.desc(), _runs.c.id).limit(limit)
    return [_test_run(row) for row in tx.execute(query)]


def runs_of(tx: Transaction, card_id: str, *, home: Path) -> list[StoredRun]:
    """All runs for a card with what they left, oldest first."""
    mine = sa.select(_runs).where(_runs.c.workspace_id == tx.workspace_id, _runs.c.card_id == card_id)
    rows = tx.execute(mine.order_by(_runs.c.ended_at, _runs.c.position, _runs.c.id)).all()
    return [_test_run(row, tuple(artifacts_of(tx, row.id, home=home))) for row in rows]


def get_test_run(tx: Transaction, run_id: str, *, home: Path) -> StoredRun:
    """One run with what it left. Raises: OrketError where there is none."""
    query = sa.select(_runs).where(_runs.c.workspace_id == tx.workspace_id, _runs.c.id == run_id)
    row = tx.execute(query).first()
    if row is None:
        raise OrketError(f"there is no test run {run_id}", next_step="See which there are: orket tests list")
    return _test_run(row, tuple(artifacts_of(tx, run_id, home=home)))


def _test_run(row: Any, artifacts: tuple[Artifact, ...] = ()) -> StoredRun:
    cases = tuple(_case(each) for each in row.cases or ())
    report = SuiteReport(row.passed, dict(row.counts), row.exit_code, row.log, cases, artifacts)
    about = (row.suite, row.purpose, row.commit, report, row.started_at, row.ended_at, row.sandbox_id)
    return StoredRun(row.id, row.card_id, row.attempt, *about)


def _case(told: dict[str, Any]) -> Case:
    return Case(told["name"], CaseOutcome(told["outcome"]), told["seconds"], told["message"])
