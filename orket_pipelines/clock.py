"""Time from one injected place: UTC integer microseconds for what is stored, monotonic seconds for what is awaited."""

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MICROSECONDS = 1_000_000
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on two clocks: `at` in UTC, microseconds since the epoch, and `ticks`, microseconds since the machine
    was switched on, which no person, time server or time zone sets. `boot` names that switching on."""

    at: int
    ticks: int
    boot: str

    def since(self, earlier: "Moment") -> int:
        """Microseconds that passed, never less than none: by the ticks where the machine has run ever since, however
        its clock was set meanwhile, and by the clock otherwise."""
        same = self.boot == earlier.boot
        return max(0, self.ticks - earlier.ticks if same else self.at - earlier.at)


class Clock(Protocol):
    """What rooms may ask of time."""

    def now(self) -> int:
        """UTC, microseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""

    def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""

    def moment(self) -> Moment:
        """The present, to be compared with later moments, of other processes too."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> int:
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def moment(self) -> Moment:
        # A laptop that sleeps lets time pass: Linux has a clock that counts it, and elsewhere the next best does.
        clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
        return Moment(self.now(), time.clock_gettime_ns(clock) // 1_000, _boot())


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

    def moment(self) -> Moment:
        return Moment(self._now, int(self._monotonic * MICROSECONDS), "fake")

    def advance(self, seconds: float) -> None:
        """Move both clocks forward."""
        with self._lock:
            self._now += int(seconds * MICROSECONDS)
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Move the wall clock alone, as a time server or a person does; `seconds` may be negative."""
        with self._lock:
            self._now += int(seconds * MICROSECONDS)


def _boot() -> str:
    """What names this run of the machine; where nothing does, nothing is known to be of the same."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return str(time.time_ns())
