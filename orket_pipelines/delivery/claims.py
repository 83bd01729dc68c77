"""Claims: which issue a worker takes next. They live in the store, so any number of workers may ask at once."""

import threading
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.agents.models.choosing import model_of_role
from orket_pipelines.cards.fairness import before_in_turn, in_turn
from orket_pipelines.cards.model import TERMINAL, WAITING, WORKABLE, Card, CardState
from orket_pipelines.cards.ranking import rank_new
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.delivery.candidates import Candidate, candidate, candidates, open_rocks
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.model import DEFAULT_AUTHOR
from orket_pipelines.delivery.places import (
    ISSUE,
    Full,
    Occupancy,
    ask,
    charge,
    full_for_issue,
    full_for_session,
    occupancy,
    shares_of,
)
from orket_pipelines.store import Lease, Transaction

WRITTEN = frozenset({CardState.READY, CardState.IN_PROGRESS, *WAITING})
"""States in which the author is called next."""


class Obstacle(StrEnum):
    """Why an issue cannot be claimed now. The first four pass by themselves."""

    HELD = "somebody else works on it"
    LIMIT = "it waits for a place: taken are"
    TURN = "it waits for a place: first come"
    SEAT = "its author waits for a place: taken are"
    DEPENDENCY = "it waits for"
    CANCELED = "it depends on what is canceled:"
    WAITING = "it waits"
    FINAL = "it is final"


PASSING = frozenset({Obstacle.HELD, Obstacle.LIMIT, Obstacle.TURN, Obstacle.SEAT})


@dataclass(frozen=True, slots=True)
class Refused:
    """No claim, and why; `about` names dependencies, a limit or rocks, or says what the card waits for."""

    obstacle: Obstacle
    about: str = ""
    card_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.obstacle} {self.about}".strip()


@dataclass(frozen=True, slots=True)
class Choice:
    """Among which issues a worker chooses: those of a rock, or of any where `rock_id` is None.

    `resumable` are waiting cards that may be taken up again, `excluded` ones that may not be claimed.
    """

    rock_id: str | None = None
    resumable: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one transaction came to: an issue under a lease, or a refusal, with which a rock may stay in the queue.

    From the commit on its leases are to be kept alive; `ask` is None where the process stands in that queue already.
    """

    claimed: tuple[str, Lease] | None = None
    refused: Refused | None = None
    asking: str | None = None
    ask: Lease | None = None


class Claimant:
    """Claims on behalf of one process: a pool, or the issues of a run.

    While it is refused for want of a place its rock stands in the queue, so that workers of other rocks leave the next
    free place to it when it is its turn.
    """

    def __init__(self, factory: Factory) -> None:
        self._factory = factory
        self._asks: dict[str, Lease] = {}
        self._lock = threading.Lock()

    def claim_next(self, choice: Choice) -> tuple[str, Lease] | Refused | None:
        """The best issue that can be worked on now, under a lease; why not, where all that lacks is a place; None
        where there is no such issue."""
        with self._lock:
            with self._factory.store.write() as tx:
                rank_new(tx)
                found = occupancy(tx, self._factory.leases)
                best = self._best(tx, found, choice)
                answer = self._enter(tx, found, best) if isinstance(best, Candidate) else _Answer(refused=best)
            return self._keep(answer)

    def claim(self, card_id: str, *, may_resume: bool) -> Lease | Refused:
        """A lease on this issue, or why not."""
        with self._lock:
            with self._factory.store.write() as tx:
                rank_new(tx)
                refused = why_not(tx, get_card(tx, card_id), may_resume=may_resume)
                answer = _Answer(refused=refused) if refused is not None else self._one(tx, card_id)
            self._keep(answer)
        return answer.claimed[1] if answer.claimed is not None else answer.refused or Refused(Obstacle.HELD)

    def withdraw(self) -> None:
        """Leave every queue."""
        with self._lock:
            self._keep(_Answer())

    def _one(self, tx: Transaction, card_id: str) -> _Answer:
        found = occupancy(tx, self._factory.leases)
        one = candidate(tx, card_id)
        full = _full_for_author(self._factory, found, one)
        return self._enter(tx, found, one) if full is None else _Answer(refused=Refused(Obstacle.SEAT, str(full)))

    def _best(self, tx: Transaction, found: Occupancy, choice: Choice) -> Candidate | Refused | None:
        """The best issue, across rocks that of the first in turn; or why none of them can have a place."""
        if choice.rock_id is not None:
            return self._best_of_rock(tx, found, choice, choice.rock_id)
        refused = None
        for share in in_turn(*shares_of(tx, found, open_rocks(tx))):
            best = self._best_of_rock(tx, found, choice, share.rock_id)
            full = full_for_issue(self._factory.settings, found, share.rock_id)
            if isinstance(best, Candidate) and full is not None and full.scope != "all":
                best = Refused(Obstacle.LIMIT, str(full))
            if isinstance(best, Candidate):
                return best
            refused = refused or best
        return refused

    def _best_of_rock(
        self, tx: Transaction, found: Occupancy, choice: Choice, rock_id: str
    ) -> Candidate | Refused | None:
        refused = None
        for each in candidates(tx, rock_id, choice.resumable):
            if each.card_id in found.rocks or each.card_id in choice.excluded:
                continue
            full = _full_for_author(self._factory, found, each)
            if full is None:
                return each
            refused = refused or Refused(Obstacle.SEAT, str(full))
        return refused

    def _enter(self, tx: Transaction, found: Occupancy, best: Candidate) -> _Answer:
        """Take the place, where there is one and it is this rock's turn."""
        rock_id = best.rock_id
        if best.card_id in found.rocks:
            return _Answer(refused=Refused(Obstacle.HELD))
        settings, leases = self._factory.settings, self._factory.leases
        full = full_for_issue(settings, found, rock_id)
        if full is not None:
            return self._refuse(tx, rock_id, Refused(Obstacle.LIMIT, str(full)), full)
        shares, now = shares_of(tx, found, found.asking | {rock_id})
        before = before_in_turn(rock_id, shares, now)
        if len(before) >= settings.concurrency - len(found.rocks):
            return self._refuse(tx, rock_id, Refused(Obstacle.TURN, ", ".join(f"rock {each}" for each in before)), None)
        lease = leases.take(tx, ISSUE + best.card_id)
        if lease is None:
            return _Answer(refused=Refused(Obstacle.HELD))
        charge(tx, next(share for share in shares if share.rock_id == rock_id), now)
        return _Answer(claimed=(best.card_id, lease))

    def _refuse(self, tx: Transaction, rock_id: str, refused: Refused, full: Full | None) -> _Answer:
        """A rock that is at its own limit asks for nothing that others could leave to it."""
        if full is not None and full.scope != "all":
            return _Answer(refused=refused)
        made = ask(tx, self._factory.leases, rock_id) if rock_id not in self._asks else None
        return _Answer(refused=refused, asking=rock_id, ask=made)

    def _keep(self, answer: _Answer) -> tuple[str, Lease] | Refused | None:
        """After the commit: keep alive what was taken, and leave the queues of other rocks."""
        leases = self._factory.leases
        if answer.ask is not None and answer.asking is not None:
            self._asks[answer.asking] = leases.confirm(answer.ask)
        if answer.claimed is not None:
            leases.confirm(answer.claimed[1])
        for rock_id in self._asks.keys() - {answer.asking}:
            leases.release(self._asks.pop(rock_id))
        return answer.claimed or answer.refused


def why_not(tx: Transaction, card: Card, *, may_resume: bool = False) -> Refused | None:
    """What lies in the card itself, or in others that it depends on; a place is another matter."""
    if card.state in TERMINAL:
        return Refused(Obstacle.FINAL)
    if card.state in WAITING and not may_resume:
        return Refused(Obstacle.WAITING, f"for {card.wait_reason}: {card.note}")
    unmet = [needed for name in card.depends_on if (needed := get_card(tx, name)).state is not CardState.DONE]
    if not unmet:
        return None
    canceled = tuple(needed.id for needed in unmet if needed.state is CardState.CANCELED)
    if canceled:
        return Refused(Obstacle.CANCELED, ", ".join(canceled), canceled)
    told = ", ".join(f"{needed.id} ({needed.state})" for needed in unmet)
    return Refused(Obstacle.DEPENDENCY, told, tuple(needed.id for needed in unmet))


def obstacle_of(factory: Factory, card: Card) -> Refused | None:
    """Why nobody can work on the issue now; None where somebody could."""
    with factory.store.read() as tx:
        refused = why_not(tx, card)
        if refused is not None:
            return refused
        full = full_for_issue(factory.settings, occupancy(tx, factory.leases), card.rock_id or "")
    return Refused(Obstacle.LIMIT, str(full)) if full is not None else None


def waiting_cards(factory: Factory, rock_id: str | None, reasons: Collection[str]) -> set[str]:
    """The issues that wait for one of `reasons`."""
    with factory.store.read() as tx:
        cards = list_cards(tx, rock_id=rock_id, kinds=WORKABLE, states=WAITING)
    return {card.id for card in cards if card.wait_reason in reasons}


def _full_for_author(factory: Factory, found: Occupancy, one: Candidate) -> Full | None:
    """The limit that would keep the author from beginning, where the author is who is called next."""
    settings = factory.settings
    if not (settings.role_concurrency or settings.model_concurrency) or one.state not in WRITTEN:
        return None
    role = one.seat or DEFAULT_AUTHOR
    return full_for_session(settings, found, role, model_of_role(settings, role))
