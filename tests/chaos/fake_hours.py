"""An event loop on a fake clock: what is awaited takes no time, and the clock says that it did."""

import asyncio
import selectors
from typing import Any

from orket_pipelines.clock import FakeClock


class FakeHours(asyncio.SelectorEventLoop):
    """Deadlines, waits and timeouts pass on `clock`. For a loop with nothing real to wait for."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(_Leap(clock))
        self._fake_clock = clock

    def time(self) -> float:
        return self._fake_clock.monotonic()


class _Leap(selectors.SelectSelector):
    """Instead of waiting for `timeout`, moves the clock forward by as much; without one it waits for a thread."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(None if timeout is None else 0)
        if not ready and timeout:
            self._clock.advance(timeout)
        return ready
