"""What the terminal asks of the store besides what the rooms answer: how a delivery stands, and what it came to."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orket_pipelines.sandboxes.model import SandboxState
from orket_pipelines.sandboxes.records import list_sandboxes
from orket_pipelines.store import Transaction, tables

_attempts, _runs, _sessions, _turns = tables.attempts, tables.test_runs, tables.sessions, tables.turns
_violations, _cards = tables.policy_violations, tables.cards


@dataclass(frozen=True, slots=True)
class Totals:
    """What was done for some cards, ever. `cost` is in USD; `unpriced` counts turns whose price is unknown."""

    pull_requests: int
    merged: int
    test_runs: int
    failed_test_runs: int
    denied: int
    sessions: int
    turns: int
    input_tokens: int
    output_tokens: int
    cost: float
    unpriced: int


def totals_of(tx: Transaction, card_ids: Collection[str]) -> Totals:
    """The totals of these cards."""
    merged = sa.func.count(_attempts.c.merge_commit)
    attempts = _one(tx, _attempts, card_ids, opened=sa.func.count(_attempts.c.pull_request), merged=merged)
    failed = sa.func.count().filter(~_runs.c.passed)
    tests = _one(tx, _runs, card_ids, test_runs=sa.func.count(), failed=failed)
    denied = _one(tx, _violations, card_ids, denied=sa.func.count(_violations.c.session_id))
    sessions = _one(tx, _sessions, card_ids, sessions=sa.func.count())
    return Totals(
        pull_requests=attempts["opened"],
        merged=attempts["merged"],
        test_runs=tests["test_runs"],
        failed_test_runs=tests["failed"],
        denied=denied["denied"],
        sessions=sessions["sessions"],
        **_spent(tx, card_ids),
    )


def at_work(tx: Transaction, card_ids: Collection[str]) -> dict[str, str]:
    """Who works on which card right now, and why it was called; cards that nobody works on are left out."""
    query = sa.select(_sessions.c.card_id, _sessions.c.role, _sessions.c.purpose).where(
        _sessions.c.workspace_id == tx.workspace_id,
        _sessions.c.card_id.in_(card_ids),
        _sessions.c.ended_at.is_(None),
    )
    return {row.card_id: f"{row.role}: {row.purpose.replace('_', ' ')}" for row in tx.execute(query)}


def repositories_of(tx: Transaction, card_ids: Collection[str]) -> list[str]:
    """The repositories that these cards changed, sorted."""
    query = sa.select(_attempts.c.repository).where(
        _attempts.c.workspace_id == tx.workspace_id, _attempts.c.card_id.in_(card_ids)
    )
    return sorted(tx.execute(query.distinct()).scalars())


def addresses_of(tx: Transaction, card_ids: Collection[str]) -> dict[str, str]:
    """Where the applications run that these cards changed, by rock."""
    mine = sa.and_(_cards.c.workspace_id == tx.workspace_id, _cards.c.id.in_(card_ids))
    rocks = {row.rock_id or row.id for row in tx.execute(sa.select(_cards.c.id, _cards.c.rock_id).where(mine))}
    running = list_sandboxes(tx, {SandboxState.RUNNING})
    return {each.rock_id: each.url for each in running if each.rock_id in rocks and each.url}


def _one(
    tx: Transaction, table: sa.Table, card_ids: Collection[str], **columns: sa.ColumnElement[Any]
) -> sa.RowMapping:
    query = sa.select(*(column.label(name) for name, column in columns.items())).select_from(table)
    mine = query.where(table.c.workspace_id == tx.workspace_id, table.c.card_id.in_(card_ids))
    return tx.execute(mine).mappings().one()


def _spent(tx: Transaction, card_ids: Collection[str]) -> dict[str, Any]:
    same = sa.and_(_turns.c.workspace_id == _sessions.c.workspace_id, _turns.c.session_id == _sessions.c.id)
    columns = {
        "turns": sa.func.count(),
        "input_tokens": sa.func.coalesce(sa.func.sum(_turns.c.input_tokens), 0),
        "output_tokens": sa.func.coalesce(sa.func.sum(_turns.c.output_tokens), 0),
        "cost": sa.func.coalesce(sa.func.sum(_turns.c.cost), 0.0),
        "unpriced": sa.func.count().filter(_turns.c.cost.is_(None)),
    }
    query = sa.select(*(column.label(name) for name, column in columns.items())).select_from(
        _turns.join(_sessions, same)
    )
    mine = query.where(_sessions.c.workspace_id == tx.workspace_id, _sessions.c.card_id.in_(card_ids))
    row = tx.execute(mine).mappings().one()
    # PostgreSQL's sums of integers are decimals.
    return dict(row) | {name: int(row[name]) for name in ("input_tokens", "output_tokens")}
