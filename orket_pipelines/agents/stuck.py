"""Whether a session goes round in circles: the same calls with the same results, over and over.

Only exact repetition counts. A call that is repeated while its result changes, or after an edit, or for the next page,
is work; a call that waits before it looks again is polling, and gets more patience.
"""

import re
from collections import deque
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice

LONGEST_PERIOD = 5
"""Calls in the longest circle that is looked for."""
REPEATS = {1: 4, 2: 3, 3: 3, 4: 3, 5: 3}
"""How often a circle of so many calls is gone round before it is one."""
LONGEST_TOLD = 120
"""Characters of a call in a report."""
POLLS = 20
"""The same, for a circle with a call in it that waits for something."""
WAITING = re.compile(r"\b(sleep|wait|inotifywait)\b")
"""Programs that let time pass."""
PASSING = re.compile(
    r"""(?x)
    \d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?   # a moment
    | \b\d\d:\d\d:\d\d(?:[.,]\d+)?\b                                     # a time of day
    | \b\d+(?:\.\d+)?\s?(?:s|ms|µs|us|ns|sec|secs|seconds|min|minutes)\b # how long something took
    | \b0x[0-9a-f]{4,}\b                                                 # an address in memory
    | \bpid[ =:]?\d+\b                                                   # a process
    """,
    re.IGNORECASE,
)
"""What differs between two results although nothing has changed."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A call that is over. Equal `call` and `result` mean that the same was done and the same came of it; the result is
    kept as a hash.

    `waits`: it lets time pass, so that to look once more is not to stand still.
    """

    call: str
    result: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Circle:
    """The calls that came again and again, and how often they did."""

    calls: tuple[str, ...]
    times: int

    def __str__(self) -> str:
        told = ", then ".join(call if len(call) <= LONGEST_TOLD else f"{call[:LONGEST_TOLD]}…" for call in self.calls)
        return f"{self.times} times in a row, with the same results: {told}"


def observe(tool: str, arguments: str, verdict: str, text: str, tree: str | None = None) -> Observation:
    """A finished call as it counts here. `arguments` is their JSON; `tree` is the checkout's after the call, where the
    call could have changed it."""
    call = f"{tool} {arguments}"
    waits = tool == "run_command" and WAITING.search(arguments) is not None
    told = f"{verdict} {tree or ''} {PASSING.sub('~', text)}"
    return Observation(call, blake2b(told.encode(), digest_size=16).hexdigest(), waits)


class Watch:
    """Looks on while calls end one after another. The calls of a circle that was found do not count for the next."""

    def __init__(self) -> None:
        self._seen: deque[Observation] = deque(maxlen=LONGEST_PERIOD * POLLS)

    def see(self, observation: Observation) -> Circle | None:
        """The shortest circle that ends with this call."""
        self._seen.append(observation)
        for period in range(1, LONGEST_PERIOD + 1):
            times = self._times(period)
            if times is not None:
                calls = tuple(each.call for each in self._last(period))
                self._seen.clear()
                return Circle(calls, times)
        return None

    def _times(self, period: int) -> int | None:
        """How often the last `period` calls were gone through, where that is often enough."""
        block = self._last(period)
        needed = POLLS if any(each.waits for each in block) else REPEATS[period]
        if len(self._seen) < period * needed:
            return None
        tail = self._last(period * needed)
        return needed if all(each == block[place % period] for place, each in enumerate(tail)) else None

    def _last(self, count: int) -> list[Observation]:
        return list(islice(self._seen, max(0, len(self._seen) - count), None))
