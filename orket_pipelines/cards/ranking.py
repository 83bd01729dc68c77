"""Scores and unmet dependencies, kept with the cards, so that a claim need not look at all of them.

Both are derived. A rank is minus the score. It is None from the moment on that a card is new or changed; `rank_new`,
which every claim begins with, works out those of its rock. Unmet dependencies are counted again whenever one is done.
"""

import sqlalchemy as sa

from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.scheduling import scores
from orket_pipelines.store import Prepared, Transaction, tables

_cards, _dependencies = tables.cards, tables.card_dependencies
_workspace = _cards.c.workspace_id == sa.bindparam("b_workspace_id")
_needed = _cards.alias("needed")
_unmet = (
    sa.select(sa.func.count())
    .select_from(_dependencies)
    .join(
        _needed,
        sa.and_(_needed.c.workspace_id == _dependencies.c.workspace_id, _needed.c.id == _dependencies.c.depends_on_id),
    )
    .where(
        _dependencies.c.workspace_id == _cards.c.workspace_id,
        _dependencies.c.card_id == _cards.c.id,
        _needed.c.state != str(CardState.DONE),
    )
    .scalar_subquery()
)
_behind = sa.select(_dependencies.c.card_id).where(
    _dependencies.c.workspace_id == sa.bindparam("b_workspace_id"),
    _dependencies.c.depends_on_id == sa.bindparam("b_card_id"),
)
# In the order of its index, and one at a time: PostgreSQL takes new cards for many, and would read all of them.
_unranked = Prepared(
    sa.select(_cards.c.rock_id)
    .where(_workspace, _cards.c.rank.is_(None))
    .order_by(_cards.c.workspace_id, _cards.c.rank, _cards.c.rock_id)
    .limit(1)
)
_count_behind = Prepared(sa.update(_cards).where(_workspace, _cards.c.id.in_(_behind)).values(unmet=_unmet))
_set_rank = sa.update(_cards).where(_workspace, _cards.c.id == sa.bindparam("b_card_id"))


def rank_new(tx: Transaction) -> None:
    """Work out what is not known yet: the scores and unmet dependencies in every rock with a card that has no rank."""
    while (unranked := tx.execute(_unranked, {"b_workspace_id": tx.workspace_id}).first()) is not None:
        _rank(tx, unranked.rock_id)


def count_unmet_behind(tx: Transaction, card_id: str) -> None:
    """Count again for the cards that depend on this one; for the transaction in which it is done."""
    tx.execute(_count_behind, {"b_workspace_id": tx.workspace_id, "b_card_id": card_id})


def _rank(tx: Transaction, rock_id: str | None) -> None:
    mine = sa.and_(_cards.c.workspace_id == tx.workspace_id, _cards.c.rock_id.is_not_distinct_from(rock_id))
    columns = (_cards.c[name] for name in ("id", "kind", "priority", "depends_on", "rank"))
    rows = tx.execute(sa.select(*columns).where(mine)).all()
    cards = [
        Card(row.id, CardKind(row.kind), "", priority=row.priority, depends_on=tuple(row.depends_on)) for row in rows
    ]
    found = scores(cards)
    changed = [{"b_card_id": row.id, "rank": -found[row.id]} for row in rows if row.rank != -found[row.id]]
    if changed:
        tx.execute(_set_rank, [{"b_workspace_id": tx.workspace_id, **each} for each in changed])
    tx.execute(sa.update(_cards).where(mine).values(unmet=_unmet))
