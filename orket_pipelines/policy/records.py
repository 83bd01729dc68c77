"""Reads and writes of policy violations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import sqlalchemy as sa

from orket_pipelines.errors import OrketError, TransitionRefused
from orket_pipelines.policy.model import Violation
from orket_pipelines.store import Store, Transaction, append, tables

_violations, _cards = tables.policy_violations, tables.cards


def record_violation(tx: Transaction, violation: Violation) -> None:
    """Store a violation; a `policy.violated` event about its card (or its actor, where no card is concerned)."""
    row = asdict(violation) | {"at": tx.now}
    tx.execute(sa.insert(_violations), {"workspace_id": tx.workspace_id, **row})
    append(tx, "policy.violated", violation.card_id or violation.actor, row)


@contextmanager
def refusals_on_record(store: Store, *, doing: str = "", card_id: str | None = None) -> Iterator[None]:
    """Record what a rule refuses inside, in a transaction of its own; the error goes on.

    `doing` says what is being done about which card, where the refusal does not know it itself.
    """
    try:
        yield
    except OrketError as refused:
        violation = _violation_of(refused, doing, card_id)
        if violation is not None:
            with store.write() as tx:
                record_violation(tx, violation)
        raise


def _violation_of(refused: OrketError, doing: str, card_id: str | None) -> Violation | None:
    if isinstance(refused, TransitionRefused):
        found: Violation | None = refused.violation
        return found
    if refused.rule is None:
        return None
    return Violation(refused.rule, "system", {"step": doing}, str(refused), refused.next_step, card_id)


def list_violations(
    tx: Transaction,
    *,
    card_id: str | None = None,
    rock_id: str | None = None,
    rule: str | None = None,
    actor: str | None = None,
) -> list[Violation]:
    """The violations that match every filter given, oldest first; `rock_id` takes in every card of the rock."""
    asked = {_violations.c.card_id: card_id, _violations.c.rule: rule, _violations.c.actor: actor}
    query = sa.select(_violations).where(_violations.c.workspace_id == tx.workspace_id)
    query = query.where(*(column == value for column, value in asked.items() if value is not None))
    if rock_id is not None:
        cards = sa.select(_cards.c.id).where(_cards.c.workspace_id == tx.workspace_id, _cards.c.rock_id == rock_id)
        query = query.where(_violations.c.card_id.in_(cards))
    rows = tx.execute(query.order_by(_violations.c.at, _violations.c.id)).mappings()
    return [_violation(row) for row in rows]


def find_violation(tx: Transaction, violation_id: str) -> Violation | None:
    """The violation with this id."""
    query = sa.select(_violations).where(
        _violations.c.workspace_id == tx.workspace_id, _violations.c.id == violation_id
    )
    row = tx.execute(query).mappings().first()
    return _violation(row) if row else None


def _violation(row: sa.RowMapping) -> Violation:
    return Violation(**{key: value for key, value in row.items() if key != "workspace_id"})
