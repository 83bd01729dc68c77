"""What is looked at while a command runs in a container, and why it was ended."""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from orket_pipelines.workbench.output import Output
from orket_pipelines.workbench.tree import Footprint, measure

FIRST_LOOK = 0.3
"""Seconds after which a checkout is measured for the first time; most commands have ended by then."""
PAUSE = 1.0
SHARE = 10
"""Measuring takes at most one part in so many of the time."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a command in a container may take of this host, beside what its container may.

    `checkout` and `output` in bytes, `entries` files, folders and links. `grace` is how many seconds after its deadline
    a command is taken to be beyond what its container itself enforces.
    """

    checkout: int = 2 * 1024**3
    entries: int = 200_000
    output: int = 64 * 1024**2
    grace: float = 10.0

    def exceeded_by(self, found: Footprint, *, factor: int = 1) -> bool:
        """Whether a checkout is larger than `factor` times what is allowed."""
        return found.size > factor * self.checkout or found.entries > factor * self.entries or not found.whole

    @property
    def counted(self) -> int:
        """Entries after which counting ends."""
        return 3 * self.entries


class End(StrEnum):
    """Why a command was ended from outside its container."""

    STOPPED = "stopped"
    CLOSED = "closed"
    OVERDUE = "overdue"
    OUTPUT = "output"
    CHECKOUT = "checkout"


class Watch:
    """One command under way. `ended` says why it was ended; None while nothing was wrong."""

    def __init__(
        self,
        checkout: Path,
        bounds: Bounds,
        before: Footprint,
        *,
        output: Output,
        deadline: float,
        stop: threading.Event,
        closed: threading.Event,
    ) -> None:
        self._checkout = checkout
        self._bounds = bounds
        self._before = before
        self._output = output
        self._stop = stop
        self._closed = closed
        self._taken = 0
        self._started = time.monotonic()
        self._until = self._started + deadline + bounds.grace
        self._next_look = self._started + FIRST_LOOK
        self.ended: End | None = None
        self.found = before

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self._started

    def take(self, data: bytes) -> None:
        """Hear what the command says."""
        self._output.add(data)
        self._taken += len(data)

    def should_stop(self) -> bool:
        """Whether the command is to be ended now."""
        self.ended = self.ended or self._look()
        return self.ended is not None

    def _look(self) -> End | None:
        if self._stop.is_set():
            return End.STOPPED
        if self._closed.is_set():
            return End.CLOSED
        if time.monotonic() > self._until:
            return End.OVERDUE
        if self._taken > self._bounds.output:
            return End.OUTPUT
        return End.CHECKOUT if time.monotonic() > self._next_look and self._outgrown() else None

    def _outgrown(self) -> bool:
        """Whether the checkout is too large, and larger than it was: what makes it smaller must be able to run."""
        began = time.monotonic()
        self.found = measure(self._checkout, most=self._bounds.counted, should_stop=self._stop.is_set)
        ended = time.monotonic()
        self._next_look = ended + max(PAUSE, SHARE * (ended - began))
        grown = self.found.size > self._before.size or self.found.entries > self._before.entries
        return grown and self._bounds.exceeded_by(self.found)
