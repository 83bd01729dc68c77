"""The issues that could be worked on, best first, from what is kept with the cards (`cards/ranking.py`)."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import count
from typing import Any

import sqlalchemy as sa

from orket_pipelines.cards.model import TERMINAL, WAITING, WORKABLE, CardKind, CardState
from orket_pipelines.store import Prepared, Transaction, tables

PAGE = 16
"""Ready issues that are read together; the first is nearly always the one."""
UNDER_WAY = frozenset(CardState) - TERMINAL - WAITING - {CardState.READY}
"""What a worker that stopped or died may have left behind."""

_cards = tables.cards
_columns = [_cards.c[name] for name in ("id", "rock_id", "state", "seat", "rank", "created_at", "position")]
_by_id = Prepared(
    sa.select(*_columns).where(
        _cards.c.workspace_id == sa.bindparam("workspace_id"), _cards.c.id == sa.bindparam("card_id")
    )
)
_able = sa.select(*_columns).where(
    _cards.c.workspace_id == sa.bindparam("workspace_id"),
    _cards.c.rock_id == sa.bindparam("rock_id"),
    _cards.c.unmet == 0,
    sa.or_(*(_cards.c.kind == str(kind) for kind in sorted(WORKABLE))),
)
_ready = (
    _able.where(_cards.c.state == str(CardState.READY))
    .order_by(_cards.c.rank, _cards.c.created_at, _cards.c.position)
    .limit(PAGE)
    .offset(sa.bindparam("offset"))
)
_under_way = _able.where(sa.or_(*(_cards.c.state == str(state) for state in sorted(UNDER_WAY))))
_page = Prepared(_ready)
_first_page = Prepared(sa.select(*(sa.union_all(_ready.subquery().select(), _under_way).subquery().c)))
_open_rocks = Prepared(
    sa.select(_cards.c.id).where(
        _cards.c.workspace_id == sa.bindparam("workspace_id"),
        _cards.c.kind == str(CardKind.ROCK),
        sa.or_(*(_cards.c.state == str(state) for state in sorted(frozenset(CardState) - TERMINAL))),
    )
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An issue that may be claimed. By `order` they are sorted: the higher score, then the older one, then as in its
    file; one that was not ranked yet counts by its age. `rock_id` is empty for a card outside any rock.
    """

    card_id: str
    rock_id: str
    state: CardState
    seat: str | None
    order: tuple[float, int, int]


def candidate(tx: Transaction, card_id: str) -> Candidate:
    """The issue with this id, whether or not anything keeps it from being worked on."""
    row = tx.execute(_by_id, {"workspace_id": tx.workspace_id, "card_id": card_id}).first()
    return _candidate(row)


def candidates(tx: Transaction, rock_id: str, resumable: Collection[str]) -> Iterator[Candidate]:
    """The issues of a rock whose dependencies are done, best first; of waiting ones those in `resumable`."""
    key = {"workspace_id": tx.workspace_id, "rock_id": rock_id, "offset": 0}
    first = _read(tx.execute(_first_page, key))
    begun = [each for each in first if each.state is not CardState.READY]
    ready = [each for each in first if each.state is CardState.READY]
    if resumable:
        begun += _read(tx.execute(_able.where(_cards.c.id.in_(resumable)), key))
    return merge(sorted(begun, key=_order), _pages(tx, key, ready), key=_order)


def open_rocks(tx: Transaction) -> frozenset[str]:
    """The rocks that are not done or canceled."""
    return frozenset(tx.execute(_open_rocks, {"workspace_id": tx.workspace_id}).scalars())


def _pages(tx: Transaction, key: dict[str, Any], page: list[Candidate]) -> Iterator[Candidate]:
    """The ready issues of `page`, which is the first, and of those after it."""
    for offset in count(PAGE, PAGE):
        yield from sorted(page, key=_order)
        if len(page) < PAGE:
            return
        page = _read(tx.execute(_page, {**key, "offset": offset}))


def _read(rows: Iterable[Any]) -> list[Candidate]:
    return [_candidate(row) for row in rows]


def _candidate(row: Any) -> Candidate:
    order = (row.rank or 0.0, row.created_at, row.position)
    return Candidate(row.id, row.rock_id or "", CardState(row.state), row.seat, order)


def _order(found: Candidate) -> tuple[float, int, int]:
    return found.order
