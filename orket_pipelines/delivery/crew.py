"""One issue on behalf of a caller that delivers others besides: it waits while waiting can help."""

import threading
from collections.abc import Callable, Iterable

from orket_pipelines.cards.model import WAITING, Card, WaitReason
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery.candidates import candidate
from orket_pipelines.delivery.claims import PASSING, Claimant, Obstacle, Refused, why_not
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.model import Delivery, Result
from orket_pipelines.delivery.places import ISSUE
from orket_pipelines.delivery.worker import deliver_claimed, report
from orket_pipelines.store import Lease

RETRIED = frozenset({WaitReason.SYSTEM, WaitReason.RESOURCE})
"""What a person who starts a delivery wants tried again without being asked."""
POLL = 0.2
"""Seconds between two looks at what an issue waits for; what happens in the crew is heard of at once."""
LATER = Refused(Obstacle.TURN, "issues of this run with a higher score")


class Crew:
    """The issues that one run will still deliver, so that an issue knows whether its dependencies are coming.

    Those that lack nothing but a place stand in a line by their score, and only the first of them asks for one.
    """

    def __init__(self, card_ids: Iterable[str]) -> None:
        self._coming = set(card_ids)
        self._line: dict[str, tuple[float, int, int]] = {}
        self._claimant: Claimant | None = None
        self._changed = threading.Condition()

    def leave(self, card_id: str) -> None:
        """Note that this issue is through, one way or another."""
        with self._changed:
            self._coming.discard(card_id)
            self._step_out(card_id)
            abandoned = self._claimant if not self._line else None
        if abandoned is not None:
            abandoned.withdraw()

    def is_coming(self, card_id: str) -> bool:
        """Whether this run has not given the issue back yet."""
        with self._changed:
            return card_id in self._coming

    def claim(self, factory: Factory, card_id: str, *, may_resume: bool) -> Lease | Refused:
        """A lease on this issue, or why not."""
        with factory.store.read() as tx:
            refused = why_not(tx, get_card(tx, card_id), may_resume=may_resume)
            order = candidate(tx, card_id).order
        if refused is not None:
            self._step_out(card_id)
            return refused
        with self._changed:
            self._claimant = self._claimant or Claimant(factory)
            self._line[card_id] = order
            if min(self._line, key=self._line.__getitem__) != card_id:
                return LATER
        claimed = self._claimant.claim(card_id, may_resume=may_resume)
        if isinstance(claimed, Lease) or claimed.obstacle not in {Obstacle.LIMIT, Obstacle.TURN}:
            self._step_out(card_id)
        return claimed

    def wait(self) -> None:
        """Until something has happened in the crew, or it is time to look what happened elsewhere."""
        with self._changed:
            self._changed.wait(POLL)

    def _step_out(self, card_id: str) -> None:
        with self._changed:
            if self._line.pop(card_id, None) is not None or card_id not in self._coming:
                self._changed.notify_all()


def deliver_issue(
    factory: Factory,
    card_id: str,
    *,
    stop: threading.Event,
    crew: Crew | None = None,
    on_waiting: Callable[[str], None] | None = None,
    resume: Iterable[WaitReason] = RETRIED,
) -> Delivery:
    """Deliver one issue; waits while others work on it or on its dependencies, and for a free place.

    `crew` are the issues that the caller delivers besides. `on_waiting` hears why it waits, once per reason.
    A card that waits for one of `resume` is taken up again.

    Raises: CardError where there is no such card; StoreError where the store fails.
    """
    crew = crew or Crew(())
    told = ""
    try:
        while not stop.is_set():
            claimed = crew.claim(factory, card_id, may_resume=_may_resume(factory, card_id, set(resume)))
            if isinstance(claimed, Lease):
                return deliver_claimed(factory, card_id, claimed, stop=stop)
            reason = str(claimed)
            if not _may_pass(factory, claimed, crew):
                return report(_card(factory, card_id), reason)
            if on_waiting is not None and reason != told:
                on_waiting(reason)
                told = reason
            crew.wait()
        return Delivery(_card(factory, card_id), Result.STOPPED, "a stop was asked for")
    finally:
        crew.leave(card_id)


def _may_resume(factory: Factory, card_id: str, reasons: set[WaitReason]) -> bool:
    card = _card(factory, card_id)
    return card.state in WAITING and card.wait_reason in reasons


def _may_pass(factory: Factory, refused: Refused, crew: Crew) -> bool:
    """Whether waiting can help."""
    if refused.obstacle in PASSING:
        return True
    if refused.obstacle is not Obstacle.DEPENDENCY:
        return False
    return all(_is_under_way(factory, card_id, crew) for card_id in refused.card_ids)


def _is_under_way(factory: Factory, card_id: str, crew: Crew) -> bool:
    if crew.is_coming(card_id):
        return True
    with factory.store.read() as tx:
        return ISSUE + card_id in factory.leases.held(tx, ISSUE)


def _card(factory: Factory, card_id: str) -> Card:
    with factory.store.glance() as tx:
        return get_card(tx, card_id)
