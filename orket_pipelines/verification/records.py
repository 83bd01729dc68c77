"""Reads and writes of artifacts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.store import Prepared, Transaction, new_id, tables
from orket_pipelines.verification.model import Artifact, Case

_artifacts = tables.artifacts
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
