"""A rock delivered by a pool of threads, each claiming the next issue that can be worked on."""

import threading
from collections.abc import Callable

from orket_pipelines.cards.model import WORKABLE, CardKind
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.delivery.claims import Choice, Claimant, Refused, obstacle_of, waiting_cards
from orket_pipelines.delivery.crew import RETRIED
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.model import Delivery
from orket_pipelines.delivery.places import ISSUE
from orket_pipelines.delivery.worker import deliver_claimed, report
from orket_pipelines.errors import CardError, StoreError
from orket_pipelines.store import Lease

POLL = 0.25
"""Seconds between two looks for issues that other processes set free."""


def deliver_rock(
    factory: Factory,
    rock_id: str,
    *,
    stop: threading.Event,
    on_delivery: Callable[[Delivery], None] = lambda _: None,
    on_waiting: Callable[[str], None] = lambda _: None,
) -> list[Delivery]:
    """Work on the rock's issues, as many at once as the settings allow, until nothing is left that can be claimed.

    Returns what became of each issue of the rock, in the order of its files. `on_delivery` hears of each as it ends,
    `on_waiting` why none is worked on here although one could be, once per reason.

    Raises: CardError where there is no such rock; whatever stopped a worker for good, after the others have stopped.
    """
    with factory.store.read() as tx:
        if get_card(tx, rock_id).kind is not CardKind.ROCK:
            raise CardError(f"{rock_id} is not a rock", next_step="See which there are: orket rocks list")
    pool = _Pool(factory, rock_id, stop, on_delivery, on_waiting)
    pool.run()
    with factory.store.read() as tx:
        issues = list_cards(tx, rock_id=rock_id, kinds=WORKABLE)
    return [report(card, str(obstacle_of(factory, card) or "")) for card in issues]


class _Pool:
    """The threads of one `deliver_rock`, and what they share."""

    def __init__(
        self,
        factory: Factory,
        rock_id: str,
        stop: threading.Event,
        on_delivery: Callable[[Delivery], None],
        on_waiting: Callable[[str], None],
    ) -> None:
        self._factory, self._rock_id, self._stop = factory, rock_id, stop
        self._on_delivery, self._on_waiting, self._told = on_delivery, on_waiting, ""
        self._claimant = Claimant(factory)
        # Each waiting issue is taken up once: one that waits again at once would be taken up for ever.
        self._resumable = waiting_cards(factory, rock_id, RETRIED)
        self._failed: set[str] = set()
        self._errors: list[BaseException] = []
        self._busy = 0
        self._changed = threading.Condition()

    def run(self) -> None:
        """Raises the first error of a worker, after all have ended."""
        count = self._factory.settings.concurrency
        threads = [threading.Thread(target=self._work, name=f"worker-{number}") for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._claimant.withdraw()
        if self._errors:
            raise self._errors[0]

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                claimed = self._claim()
                if isinstance(claimed, tuple):
                    self._deliver(*claimed)
                elif not self._wait_for_change(for_a_place=claimed is not None):
                    return
        except BaseException as error:  # noqa: BLE001 - a thread's error is raised by run()
            self._errors.append(error)
            self._stop.set()

    def _claim(self) -> tuple[str, Lease] | Refused | None:
        with self._changed:
            choice = Choice(self._rock_id, frozenset(self._resumable), frozenset(self._failed))
            claimed = self._claimant.claim_next(choice)
            if isinstance(claimed, tuple):
                self._resumable.discard(claimed[0])
                self._busy += 1
                self._told = ""
            elif claimed is not None and self._busy == 0 and self._told != str(claimed):
                self._told = str(claimed)
                self._on_waiting(f"{self._rock_id}: {claimed}")
            return claimed

    def _deliver(self, card_id: str, lease: Lease) -> None:
        try:
            self._on_delivery(deliver_claimed(self._factory, card_id, lease, stop=self._stop))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one broken issue does not stop the others; run() raises it
            self._failed.add(card_id)
            self._errors.append(error)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _wait_for_change(self, *, for_a_place: bool) -> bool:
        """False when there is nothing to wait for: no place, and nothing of the rock that is worked on anywhere."""
        with self._changed:
            if not for_a_place and self._busy == 0 and not self._others_work():
                return False
            self._changed.wait(POLL)
            return True

    def _others_work(self) -> bool:
        with self._factory.store.read() as tx:
            held = self._factory.leases.held(tx, ISSUE)
            mine = {ISSUE + card.id for card in list_cards(tx, rock_id=self._rock_id, kinds=WORKABLE)}
        return bool(held & mine)
