"""Time from one injected place: UTC integer microseconds for what is stored, monotonic seconds for what is awaited."""

import threading
import time
from typing import Protocol

MICROSECONDS = 1_000_000


class Clock(Protocol):
    """What rooms may ask of time."""

    def now(self) -> int:
        """UTC, microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class FakeClock:
    """Time that moves only when told to, or when somebody sleeps. Safe to share between threads."""

    def __init__(self, now: int = 1_700_000_000 * MICROSECONDS) -> None:
        self._lock = threading.Lock()
        self._now = now
        self._monotonic = 0.0

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        with self._lock:
            self._now += int(seconds * MICROSECONDS)
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as a time server or a person does; `seconds` may be negative."""
        with self._lock:
            self._now += int(seconds * MICROSECONDS)
