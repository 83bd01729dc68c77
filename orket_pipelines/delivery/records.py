"""Reads and writes of attempts, feedback and test runs."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.cards.model import Card
from orket_pipelines.delivery.model import Attempt, Feedback, FeedbackKind, SuiteRun
from orket_pipelines.store import Prepared, Transaction, append, new_id, tables
from orket_pipelines.store.prepared import insert_in_order
from orket_pipelines.verification.records import store_artifacts, write_cases

HEAD, MERGED = "head", "merged"
"""The two occasions on which the project's tests run."""

TOLD_OF_CASE = ("name", "outcome", "seconds")
CASES_TOLD = 1_000
"""Single tests of a run that its event tells of; why they failed stands in the run itself."""

_attempts, _feedback, _test_runs = tables.attempts, tables.feedback, tables.test_runs


def _of_card(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.workspace_id == sa.bindparam("workspace_id"), table.c.card_id == sa.bindparam("card_id"))


_last_attempt = Prepared(sa.select(_attempts).where(_of_card(_attempts)).order_by(_attempts.c.number.desc()).limit(1))
_all_attempts = Prepared(sa.select(_attempts).where(_of_card(_attempts)).order_by(_attempts.c.number))
_all_feedback = Prepared(sa.select(_feedback).where(_of_card(_feedback)).order_by(_feedback.c.position))
_run_on_commit = (
    sa.select(_test_runs.c.passed)
    .where(
        _of_card(_test_runs),
        _test_runs.c.commit == sa.bindparam("commit"),
        _test_runs.c.purpose == sa.bindparam("purpose"),
    )
    .order_by(_test_runs.c.position.desc())
    .limit(1)
)
_passed = Prepared(_run_on_commit)
_begun = Prepared(
    sa.select(_attempts.c.card_id)
    .where(
        _attempts.c.workspace_id == sa.bindparam("workspace_id"), _attempts.c.repository == sa.bindparam("repository")
    )
    .limit(1)
)
_insert_attempt = Prepared(sa.insert(_attempts))
_set_attempt = Prepared(
    sa.update(tables.cards).where(
        tables.cards.c.workspace_id == sa.bindparam("b_workspace_id"), tables.cards.c.id == sa.bindparam("b_card_id")
    )
)
_insert_feedback = insert_in_order(_feedback)
_insert_test_run = insert_in_order(_test_runs)
_update_attempt = Prepared(
    sa.update(_attempts).where(
        _attempts.c.workspace_id == sa.bindparam("b_workspace_id"),
        _attempts.c.card_id == sa.bindparam("b_card_id"),
        _attempts.c.number == sa.bindparam("b_number"),
    )
)


def last_attempt(tx: Transaction, card_id: str) -> Attempt | None:
    """The attempt that is under way, or was the last."""
    row = tx.execute(_last_attempt, _key(tx, card_id)).first()
    return None if row is None else _attempt(row)


def attempts_of(tx: Transaction, card_id: str) -> list[Attempt]:
    """Every attempt at an issue, oldest first."""
    return [_attempt(row) for row in tx.execute(_all_attempts, _key(tx, card_id))]


def merged_attempts(tx: Transaction, rock_id: str) -> list[Attempt]:
    """The attempts at a rock's issues that were merged by a pull request, oldest first."""
    mine = sa.and_(
        _attempts.c.workspace_id == tx.workspace_id,
        _attempts.c.merge_commit.is_not(None),
        _attempts.c.pull_request.is_not(None),
        tables.cards.c.rock_id == rock_id,
    )
    same = sa.and_(tables.cards.c.workspace_id == _attempts.c.workspace_id, tables.cards.c.id == _attempts.c.card_id)
    query = sa.select(_attempts).select_from(_attempts.join(tables.cards, same)).where(mine)
    return [_attempt(row) for row in tx.execute(query.order_by(_attempts.c.created_at, _attempts.c.pull_request))]


def count_runs(tx: Transaction, card_id: str, purpose: str, suite: str) -> int:
    """How often a suite was run for a card on this occasion."""
    mine = sa.and_(
        _test_runs.c.workspace_id == tx.workspace_id,
        _test_runs.c.card_id == card_id,
        _test_runs.c.purpose == purpose,
        _test_runs.c.suite == suite,
    )
    return tx.execute(sa.select(sa.func.count()).select_from(_test_runs).where(mine)).scalar() or 0


def is_begun(tx: Transaction, repository: str) -> bool:
    """Whether an attempt has a branch in the repository, so that it must be there."""
    found = tx.execute(_begun, {"workspace_id": tx.workspace_id, "repository": repository})
    return found.first() is not None


def insert_attempt(tx: Transaction, card: Card, attempt: Attempt) -> None:
    """Store a new attempt; an `attempt.started` event."""
    row = {
        "card_id": card.id,
        "number": attempt.number,
        "repository": attempt.repository,
        "branch": attempt.branch,
        "base_commit": attempt.base_commit,
        "created_at": tx.now,
    }
    tx.execute(_insert_attempt, {"workspace_id": tx.workspace_id, **row})
    tx.execute(_set_attempt, {"b_workspace_id": tx.workspace_id, "b_card_id": card.id, "attempt": attempt.number})
    payload = {"attempt": attempt.number, "repository": attempt.repository, "branch": attempt.branch}
    append(tx, "attempt.started", card.id, payload | {"base_commit": attempt.base_commit, "rock": card.rock_id})


def update_attempt(tx: Transaction, card_id: str, number: int, **values: str | int) -> None:
    """Set `head_commit`, `pull_request` or `merge_commit`."""
    key = {"b_workspace_id": tx.workspace_id, "b_card_id": card_id, "b_number": number}
    tx.execute(_update_attempt, key | values)


def feedback_of(tx: Transaction, card_id: str) -> list[Feedback]:
    """Everything said about the issue's commits, oldest first."""
    return [
        Feedback(FeedbackKind(row.kind), row.attempt, row.commit, row.author, row.body, row.details, row.at)
        for row in tx.execute(_all_feedback, _key(tx, card_id))
    ]


def add_feedback(
    tx: Transaction,
    card: Card,
    attempt: Attempt,
    kind: FeedbackKind,
    *,
    author: str,
    body: str,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Store what was said or found about the attempt's head; a `feedback.given` event."""
    told = dict(details or {})
    row = {
        "id": new_id(),
        "card_id": card.id,
        "attempt": attempt.number,
        "kind": str(kind),
        "commit": attempt.head,
        "author": author,
        "body": body,
        "details": told,
        "at": tx.now,
    }
    tx.execute(_insert_feedback, row | _in_order(tx, card))
    payload = {"kind": str(kind), "commit": attempt.head, "author": author, "body": body[:2_000], "details": told}
    append(tx, "feedback.given", card.id, payload | {"attempt": attempt.number, "rock": card.rock_id})


def add_test_run(tx: Transaction, card: Card, attempt: Attempt, run: SuiteRun) -> None:
    """Store a run of a suite; a `tests.finished` event."""
    ended_at = run.ended_at or tx.now
    cases = write_cases(run.report.cases)
    row = {
        "id": run.id or new_id(),
        "card_id": card.id,
        "attempt": attempt.number,
        "suite": run.suite.name,
        "purpose": run.purpose,
        "commit": run.commit,
        "passed": run.report.passed,
        "counts": run.report.counts,
        "exit_code": run.report.exit_code,
        "log": run.report.log,
        "started_at": run.started_at,
        "ended_at": ended_at,
        "cases": cases or None,
        "sandbox_id": run.sandbox_id,
    }
    tx.execute(_insert_test_run, row | _in_order(tx, card))
    told = ("suite", "purpose", "commit", "passed", "counts", "exit_code", "attempt", "sandbox_id")
    payload = {key: row[key] for key in told} | {"kind": str(run.suite.kind), "artifacts": list(run.artifacts)}
    payload["cases"] = [{name: case[name] for name in TOLD_OF_CASE} for case in cases[:CASES_TOLD]]
    seconds = (ended_at - run.started_at) / 1e6
    append(tx, "tests.finished", card.id, payload | {"run_id": row["id"], "seconds": seconds, "rock": card.rock_id})


def store_run(tx: Transaction, home: Path, card: Card, attempt: Attempt, run: SuiteRun) -> None:
    """Store a run of a suite with what it left, which lies under `home` already."""
    left = store_artifacts(tx, home=home, run_id=run.id or "", card_id=card.id, artifacts=run.report.artifacts)
    add_test_run(tx, card, attempt, replace(run, artifacts=tuple(left)))


def tests_passed(tx: Transaction, card_id: str, commit: str, purpose: str) -> bool | None:
    """How the last run on `commit` ended; None where there was none."""
    key = _key(tx, card_id) | {"commit": commit, "purpose": purpose}
    passed: bool | None = tx.execute(_passed, key).scalar()
    return passed


def _attempt(row: Any) -> Attempt:
    return Attempt(
        row.number, row.repository, row.branch, row.base_commit, row.head_commit, row.pull_request, row.merge_commit
    )


def _key(tx: Transaction, card_id: str) -> dict[str, Any]:
    return {"workspace_id": tx.workspace_id, "card_id": card_id}


def _in_order(tx: Transaction, card: Card) -> dict[str, str]:
    return {"workspace_id": tx.workspace_id, "b_workspace_id": tx.workspace_id, "b_card_id": card.id}
