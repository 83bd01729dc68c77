"""How the factory stands: who works on what and for how long, why nobody does on the rest, and where work piles up."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orket_pipelines.cards.bottlenecks import Bottleneck, Thresholds, bottlenecks
from orket_pipelines.cards.model import WORKABLE, CardState
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.delivery.places import ISSUE, Occupancy, limit_of, occupancy
from orket_pipelines.delivery.waits import Wait, waits_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Transaction, tables
from orket_pipelines.store.leases import place_of

_leases, _cards, _attempts = tables.leases, tables.cards, tables.attempts
_sessions, _turns = tables.sessions, tables.turns


@dataclass(frozen=True, slots=True)
class AtWork:
    """An issue in a worker's hands: at which step, since when (UTC, microseconds) and for how many seconds.

    `role` and `model` are those of the session that goes on; empty between sessions.
    """

    card_id: str
    rock_id: str | None
    state: CardState
    step: str
    role: str
    model: str
    worker: str
    since: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and how much of it is taken. `scope` is all, rock, role or model."""

    scope: str
    name: str
    taken: int
    limit: int


@dataclass(frozen=True, slots=True)
class Status:
    """The factory at one moment; `states` counts issues."""

    states: dict[str, int]
    at_work: tuple[AtWork, ...]
    waiting: tuple[Wait, ...]
    limits: tuple[Limit, ...]
    bottlenecks: tuple[Bottleneck, ...]


def status_of(tx: Transaction, leases: LeaseKeeper, settings: Settings, rock_id: str | None = None) -> Status:
    """How a rock stands, or all of them. Raises: CardError where there is no such rock."""
    if rock_id is not None:
        get_card(tx, rock_id)
    found = occupancy(tx, leases)
    cards = list_cards(tx, rock_id=rock_id, kinds=WORKABLE)
    mine = {card.id for card in cards} & found.rocks.keys()
    waiting = waits_of(cards, found, settings)
    return Status(
        states=dict(Counter(str(card.state) for card in cards)),
        at_work=tuple(_at_work(tx, mine)),
        waiting=tuple(waiting),
        limits=tuple(_limits(settings, found)),
        bottlenecks=tuple(bottlenecks_of(waiting, settings)),
    )


def bottlenecks_of(waiting: Collection[Wait], settings: Settings) -> list[Bottleneck]:
    """Where these cards pile up."""
    thresholds = Thresholds(settings.bottleneck_normal, settings.bottleneck_warning, settings.bottleneck_dependencies)
    return bottlenecks({each.card_id: each.reason for each in waiting if each.reason is not None}, thresholds)


def _limits(settings: Settings, found: Occupancy) -> list[Limit]:
    """The total, and of the others those that somebody counts against."""
    limits = [Limit("all", "", len(found.rocks), settings.concurrency)]
    for rock_id, taken in sorted(Counter(found.rocks.values()).items()):
        limit = limit_of(settings.rock_concurrency, rock_id)
        limits += [Limit("rock", rock_id, taken, limit)] if limit is not None else []
    by_scope = {"role": settings.role_concurrency, "model": settings.model_concurrency}
    for (scope, name), taken in sorted(found.seats.items()):
        limit = limit_of(by_scope[scope], name)
        limits += [Limit(scope, name, taken, limit)] if limit is not None else []
    return limits


def _at_work(tx: Transaction, card_ids: Collection[str]) -> list[AtWork]:
    sessions = {row.card_id: row for row in tx.execute(_open_sessions(tx, card_ids))}
    return [_told(tx, row, sessions.get(row.id)) for row in tx.execute(_workers(tx, card_ids))]


def _told(tx: Transaction, row: Any, session: Any) -> AtWork:
    if session is None:
        step, role, model = _between_sessions(row), "", ""
    else:
        role, model = session.role, session.model
        step = f"{role}: {session.purpose.replace('_', ' ')}, turn {session.turns + 1}"
    seconds = (tx.now - row.acquired_at) / MICROSECONDS
    state = CardState(row.state)
    return AtWork(row.id, row.rock_id, state, step, role, model, place_of(row.owner), row.acquired_at, seconds)


def _between_sessions(row: Any) -> str:
    if row.state == CardState.READY:
        return "makes its branch"
    if row.state == CardState.READY_FOR_TESTING:
        return "runs the project's tests"
    if row.state != CardState.CODE_REVIEW:
        return "between two sessions"
    return "verifies what was merged" if row.merge_commit is not None else "in review, or in the merge queue"


def _workers(tx: Transaction, card_ids: Collection[str]) -> sa.Select[Any]:
    held = sa.and_(_leases.c.workspace_id == _cards.c.workspace_id, _leases.c.name == sa.literal(ISSUE) + _cards.c.id)
    tried = sa.and_(
        _attempts.c.workspace_id == _cards.c.workspace_id,
        _attempts.c.card_id == _cards.c.id,
        _attempts.c.number == _cards.c.attempt,
    )
    columns = (_cards.c.id, _cards.c.rock_id, _cards.c.state, _leases.c.owner, _leases.c.acquired_at)
    return (
        sa.select(*columns, _attempts.c.merge_commit)
        .select_from(_cards.join(_leases, held).outerjoin(_attempts, tried))
        .where(_cards.c.workspace_id == tx.workspace_id, _cards.c.id.in_(card_ids))
        .order_by(_leases.c.acquired_at, _cards.c.id)
    )


def _open_sessions(tx: Transaction, card_ids: Collection[str]) -> sa.Select[Any]:
    """The last one of a card comes last."""
    turns = (
        sa.select(sa.func.count())
        .where(_turns.c.workspace_id == _sessions.c.workspace_id, _turns.c.session_id == _sessions.c.id)
        .scalar_subquery()
    )
    columns = (_sessions.c.card_id, _sessions.c.role, _sessions.c.purpose, _sessions.c.model, turns.label("turns"))
    mine = sa.and_(_sessions.c.workspace_id == tx.workspace_id, _sessions.c.card_id.in_(card_ids))
    return sa.select(*columns).where(mine, _sessions.c.ended_at.is_(None)).order_by(_sessions.c.position)
