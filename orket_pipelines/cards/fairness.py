"""Which rock gets the next place: pure functions over what each rock holds and was given before.

A rock has its share of the places by its weight, and where that says nothing the one that was given less goes first.
What was given counts in virtual time, as fair queueing does: a place costs a rock of weight w 1/w, and a rock that did
not ask meanwhile saves nothing up. So a rock that asks is passed by each other one a bounded number of times only, and
a rock of a hundred issues cannot starve a rock of one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace

from orket_pipelines.cards.model import DEFAULT_PRIORITY, Card

LEAST_WEIGHT = 0.1
"""Of a rock whose priority is lower, so that it comes last and not never."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a rock holds and was given.

    `weight` is how much it counts beside others, `running` how many of its issues are worked on. `finish` is the moment
    of virtual time that it was served up to.
    """

    rock_id: str
    weight: float = DEFAULT_PRIORITY
    running: int = 0
    finish: float = 0.0

    def start(self, now: float) -> float:
        """The virtual time at which it would be given a place; `now` is the latest at which any rock was."""
        return max(now, self.finish)

    def served(self, now: float) -> "Share":
        """After it was given one more."""
        return Share(self.rock_id, self.weight, self.running + 1, self.start(now) + 1 / self.weight)


def weight_of(priority: float | None) -> float:
    """A rock counts by its priority; None is for cards outside any rock, which count as one of the usual priority."""
    return DEFAULT_PRIORITY if priority is None else max(priority, LEAST_WEIGHT)


def in_turn(asking: Collection[Share], now: float) -> list[Share]:
    """The rocks that ask for a place, the one whose turn it is first."""
    return sorted(asking, key=lambda share: (share.running / share.weight, share.start(now), share.rock_id))


def before_in_turn(rock_id: str, asking: Collection[Share], now: float) -> list[str]:
    """The rocks that get a place before this one; it may take one where more are free than these."""
    line = [share.rock_id for share in in_turn(asking, now)]
    return line[: line.index(rock_id)]


def interleave(orders: Mapping[str, Sequence[Card]], weights: Mapping[str, float]) -> list[Card]:
    """The cards of all rocks in the order in which one worker alone would take them up, each rock's own as given."""
    lines = {rock_id: iter(cards) for rock_id, cards in orders.items()}
    line = [(0.0, rock_id) for rock_id in lines]
    heapify(line)
    found: list[Card] = []
    while line:
        finish, rock_id = line[0]
        card = next(lines[rock_id], None)
        if card is None:
            heappop(line)
            continue
        found.append(card)
        heapreplace(line, (finish + 1 / weights.get(rock_id, DEFAULT_PRIORITY), rock_id))
    return found
