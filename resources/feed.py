"""Events as they happen, one reader for all steps of a run: each event goes to the step that follows its subject."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orket_pipelines.errors import StoreError
from orket_pipelines.store import Event, Store, read_events
from orket_pipelines.store.events import latest_seq

INTERVAL = 0.3
"""Seconds between two looks at the event log, while anybody follows."""
OnEvent = Callable[[Event], None]


class EventFeed:
    """Follows the event log in a thread of its own, from the first subject that is followed until `close`.

    `on_any` hears of every event meanwhile, whoever it is about.
    """

    def __init__(self, store: Store, *, interval: float = INTERVAL, on_any: OnEvent | None = None) -> None:
        self._store = store
        self._interval = interval
        self._on_any = on_any
        self._lock = threading.RLock()
        self._followers: dict[str, OnEvent] = {}
        self._errors: dict[str, Exception] = {}
        self._seq = 0
        self._quit = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def following(self, subject: str, on_event: OnEvent) -> Iterator[None]:
        """Call `on_event` with each event about `subject`, the old ones first, until the block ends.

        Raises: what `on_event` raised; it is called no more from then on.
        """
        with self._lock:
            self._look()
            self._followers[subject] = on_event
            for event in all_events(self._store, subject=subject, up_to=self._seq):
                self._hand_over(event)
            self._start()
        try:
            yield
        finally:
            with self._lock:
                self._look()
                self._followers.pop(subject, None)
                error = self._errors.pop(subject, None)
        if error is not None:
            raise error

    def close(self) -> None:
        """Stop reading."""
        self._quit.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_on, name="event-feed", daemon=True)
            self._thread.start()

    def _read_on(self) -> None:
        while not self._quit.wait(self._interval):
            with self._lock:
                try:
                    self._look()
                except StoreError:
                    # The store does not answer: the next look tries again, and a step's last look says so.
                    continue

    def _look(self) -> None:
        if not self._followers:
            # Whoever comes next reads what lies behind; what is about nobody's subject need not be read at all.
            with self._store.read() as tx:
                self._seq = latest_seq(tx)
            return
        for event in all_events(self._store, after=self._seq):
            self._seq = event.seq
            if self._on_any is not None:
                self._on_any(event)
            self._hand_over(event)

    def _hand_over(self, event: Event) -> None:
        on_event = self._followers.get(event.subject)
        if on_event is None:
            return
        try:
            on_event(event)
        except Exception as error:  # noqa: BLE001 - it belongs to the step that follows this subject, not to the reader
            self._errors[event.subject] = error
            del self._followers[event.subject]


def all_events(
    store: Store, *, after: int = 0, up_to: int | None = None, subject: str | None = None, run_id: str | None = None
) -> Iterator[Event]:
    """Events with `after` < seq <= `up_to`, however many: each batch is read in a transaction of its own."""
    while True:
        with store.read() as tx:
            batch = read_events(tx, after=after, subject=subject, run_id=run_id)
        for event in batch:
            if up_to is not None and event.seq > up_to:
                return
            yield event
        if not batch:
            return
        after = batch[-1].seq
