"""How much of a time a sandbox was up: pure, over what was seen of it. What nobody saw is unknown, not down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.sandboxes.model import SandboxState

OBSERVE_EVERY = 600 * MICROSECONDS
"""How often somebody is to look at what runs."""
VOUCHES = 2 * OBSERVE_EVERY
"""How long a look speaks for what comes after it: one that was missed is made up for, and more are a gap."""
UP = frozenset({SandboxState.RUNNING})
DOWN = frozenset({SandboxState.UNHEALTHY, SandboxState.FAILED})
"""Every other state says nothing of how well it runs: it is being deployed or stopped, or was to be."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen at a time (microseconds). `up` None: it could not be told, or was not to run."""

    at: int
    up: bool | None


@dataclass(frozen=True, slots=True)
class Uptime:
    """Parts of a time, in microseconds."""

    up: int
    down: int
    unknown: int

    @property
    def ratio(self) -> float | None:
        """Up, of what is known; None where nothing is."""
        known = self.up + self.down
        return self.up / known if known else None


def is_up(state: SandboxState, serving: Mapping[str, Any] | None = None) -> bool | None:
    """What a state says of it, and what serves where its commit failed."""
    if state is SandboxState.FAILED and serving is not None:
        return not serving["note"]
    return True if state in UP else False if state in DOWN else None


def uptime(observations: Sequence[Observation], *, since: int, until: int, vouches: int = VOUCHES) -> Uptime:
    """The parts of the time from `since` to `until`; `observations` in order, those before `since` too.

    Each holds until the next, and no longer than `vouches`.
    """
    up = down = 0
    for each, following in pairwise([*observations, Observation(until, None)]):
        begin = max(each.at, since)
        end = min(following.at, each.at + vouches, until)
        seconds = max(end - begin, 0)
        up += seconds if each.up is True else 0
        down += seconds if each.up is False else 0
    return Uptime(up, down, until - since - up - down)
