"""Claims: which issue a worker takes next. They live in the store, so any number of workers may ask at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from orket_pipelines.cards.model import TERMINAL, WAITING, WORKABLE, Card, CardState
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.cards.scheduling import scores
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.store import Lease, Prepared, Transaction, tables

PREFIX = "issue:"

_cards, _dependencies = tables.cards, tables.card_dependencies
_needed = _cards.alias("needed")
_unmet = (
    sa.select(_needed.c.id)
    .join(
        _dependencies,
        sa.and_(_dependencies.c.workspace_id == _needed.c.workspace_id, _dependencies.c.depends_on_id == _needed.c.id),
    )
    .where(
        _dependencies.c.workspace_id == _cards.c.workspace_id,
        _dependencies.c.card_id == _cards.c.id,
        _needed.c.state != str(CardState.DONE),
    )
)
_claimable = sa.select(_cards.c.id, _cards.c.priority, _cards.c.created_at, _cards.c.position).where(
    _cards.c.workspace_id == sa.bindparam("workspace_id"),
    sa.or_(*(_cards.c.kind == str(kind) for kind in sorted(WORKABLE))),
    ~sa.exists(_unmet),
)
_is_open = sa.or_(*(_cards.c.state == str(state) for state in CardState if state not in TERMINAL | WAITING))
_of_rock = _cards.c.rock_id == sa.bindparam("rock_id")
_open = Prepared(_claimable.where(_is_open))
_open_of_rock = Prepared(_claimable.where(_is_open, _of_rock))


class Obstacle(StrEnum):
    """Why an issue cannot be claimed now. The first two pass by themselves."""

    HELD = "somebody else works on it"
    LIMIT = "as many issues are being worked on as the settings allow"
    DEPENDENCY = "it waits for"
    WAITING = "it waits"
    FINAL = "it is final"


@dataclass(frozen=True, slots=True)
class Refused:
    """No claim, and why; `about` names the dependencies, or says what the card waits for."""

    obstacle: Obstacle
    about: str = ""
    card_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.obstacle} {self.about}".strip()


def score_cards(factory: Factory) -> dict[str, float]:
    """The scheduler's score of every card that agents work on: priority + distinct transitive dependents."""
    with factory.store.read() as tx:
        return scores(list_cards(tx, kinds=WORKABLE))


@dataclass(frozen=True, slots=True)
class Choice:
    """Among which issues a worker chooses.

    `scores` order them (an unknown one has its priority), `rock_id` None means any rock. `resumable` are waiting cards
    that may be taken up again, `excluded` ones that may not be claimed.
    """

    scores: Mapping[str, float]
    rock_id: str | None = None
    resumable: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


def claim_next(factory: Factory, choice: Choice) -> tuple[str, Lease] | None:
    """The best issue that can be worked on now, under a lease; None where there is none, or the limit is reached."""
    with factory.store.write() as tx:
        held = factory.leases.held(tx, PREFIX)
        claimed = _take_best(tx, factory, choice, held) if len(held) < factory.settings.concurrency else None
    if claimed is not None:
        factory.leases.confirm(claimed[1])
    return claimed


def claim(factory: Factory, card_id: str, *, may_resume: bool) -> Lease | Refused:
    """A lease on this issue, or why not."""
    with factory.store.write() as tx:
        refused = _why_not(tx, factory, get_card(tx, card_id), may_resume=may_resume)
        lease = factory.leases.take(tx, PREFIX + card_id) if refused is None else None
    if refused is not None:
        return refused
    if lease is None:
        return Refused(Obstacle.HELD)
    return factory.leases.confirm(lease)


def obstacle_of(factory: Factory, card: Card) -> Refused | None:
    """Why nobody can work on the issue now; None where somebody could."""
    with factory.store.read() as tx:
        return _why_not(tx, factory, card, may_resume=False)


def waiting_cards(factory: Factory, rock_id: str | None, reasons: Collection[str]) -> set[str]:
    """The issues that wait for one of `reasons`."""
    with factory.store.read() as tx:
        cards = list_cards(tx, rock_id=rock_id, kinds=WORKABLE, states=WAITING)
    return {card.id for card in cards if card.wait_reason in reasons}


def _take_best(tx: Transaction, factory: Factory, choice: Choice, held: set[str]) -> tuple[str, Lease] | None:
    free = [row for row in _find_claimable(tx, choice) if PREFIX + row.id not in held and row.id not in choice.excluded]
    free.sort(key=lambda row: (-choice.scores.get(row.id, row.priority), row.created_at, row.position))
    for row in free:
        lease = factory.leases.take(tx, PREFIX + row.id)
        if lease is not None:
            return row.id, lease
    return None


def _find_claimable(tx: Transaction, choice: Choice) -> Sequence[Any]:
    key = {"workspace_id": tx.workspace_id, "rock_id": choice.rock_id}
    if not choice.resumable:
        return tx.execute(_open if choice.rock_id is None else _open_of_rock, key).all()
    query = _claimable.where(sa.or_(_is_open, _cards.c.id.in_(choice.resumable)))
    return tx.execute(query if choice.rock_id is None else query.where(_of_rock), key).all()


def _why_not(tx: Transaction, factory: Factory, card: Card, *, may_resume: bool) -> Refused | None:
    if card.state in TERMINAL:
        return Refused(Obstacle.FINAL)
    if card.state in WAITING and not may_resume:
        return Refused(Obstacle.WAITING, f"for {card.wait_reason}: {card.note}")
    unmet = [needed for name in card.depends_on if (needed := get_card(tx, name)).state is not CardState.DONE]
    if unmet:
        told = ", ".join(f"{needed.id} ({needed.state})" for needed in unmet)
        return Refused(Obstacle.DEPENDENCY, told, tuple(needed.id for needed in unmet))
    held = factory.leases.held(tx, PREFIX)
    if PREFIX + card.id not in held and len(held) >= factory.settings.concurrency:
        return Refused(Obstacle.LIMIT)
    return None
