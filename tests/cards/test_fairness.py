"""No rock starves another."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orket_pipelines.cards import Card, CardKind
from orket_pipelines.cards.fairness import LEAST_WEIGHT, Share, before_in_turn, in_turn, interleave, weight_of


def issues(rock_id: str, count: int) -> list[Card]:
    return [Card(f"{rock_id}{number}", CardKind.ISSUE, str(number), created_at=number) for number in range(count)]


def turns(*shares: Share, now: float = 0.0) -> list[str]:
    return [share.rock_id for share in in_turn(shares, now)]


def test_the_rock_with_the_smaller_share_of_the_places_comes_first() -> None:
    assert turns(Share("a", 1.0, running=3), Share("b", 1.0, running=1)) == ["b", "a"]
    assert turns(Share("a", 4.0, running=3), Share("b", 1.0, running=1)) == ["a", "b"]


def test_where_shares_are_equal_the_rock_comes_first_that_was_given_less() -> None:
    assert turns(Share("a", finish=3.0), Share("b", finish=2.0), now=1.0) == ["b", "a"]


def test_a_rock_that_did_not_ask_for_long_saves_nothing_up() -> None:
    long_away = Share("away", 1.0, finish=0.0).served(now=100.0)
    assert long_away.finish == 101.0
    assert turns(long_away, Share("busy", 1.0, finish=100.5), now=100.0)[0] == "busy"


def test_a_place_is_taken_where_more_are_free_than_rocks_come_before() -> None:
    line = [Share("a", running=0), Share("b", running=1), Share("c", running=2)]
    assert before_in_turn("c", line, 0.0) == ["a", "b"]


def test_a_rock_of_lowest_priority_comes_last_and_not_never() -> None:
    assert weight_of(0.0) == LEAST_WEIGHT
    assert (weight_of(3.0), weight_of(None)) == (3.0, 2.0)


def test_a_rock_of_one_among_rocks_of_many_is_planned_early() -> None:
    rocks = {"a": issues("a", 100), "b": issues("b", 100), "c": issues("c", 1)}
    planned = [card.id for card in interleave(rocks, {})]
    assert planned.index("c0") < 3
    assert len(planned) == 201


def test_weights_are_the_shares_of_a_plan() -> None:
    rocks = {"a": issues("a", 100), "b": issues("b", 100)}
    first = interleave(rocks, {"a": 3.0, "b": 1.0})[:40]
    assert Counter(card.id[0] for card in first) == {"a": 30, "b": 10}


@dataclass
class Factory:
    """Rocks that always have one more issue, on a number of places; each issue takes some ticks."""

    shares: dict[str, Share]
    places: int
    now: float = 0.0

    def __post_init__(self) -> None:
        self.running: list[tuple[int, str]] = []

    def give(self, tick: int, ticks: int, asking: set[str]) -> list[str]:
        """The rocks that get the places that are free; each asks again and again."""
        given = []
        while len(self.running) < self.places and asking:
            line = [replace(self.shares[rock], running=self.held(rock)) for rock in asking]
            first = in_turn(line, self.now)[0]
            self.now, self.shares[first.rock_id] = first.start(self.now), first.served(self.now)
            self.running.append((tick + ticks, first.rock_id))
            given.append(first.rock_id)
        return given

    def end(self, tick: int) -> None:
        self.running = [(until, rock) for until, rock in self.running if until > tick]

    def held(self, rock: str) -> int:
        return sum(each == rock for _, each in self.running)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    weights=st.lists(st.sampled_from([0.1, 1.0, 2.0, 3.0, 10.0]), min_size=2, max_size=6),
    places=st.integers(1, 5),
    random=st.randoms(use_true_random=False),
)
def test_a_rock_that_asks_and_has_nothing_is_passed_a_bounded_number_of_times(
    weights: list[float], places: int, random: Random
) -> None:
    """However long issues take, and whenever rocks ask: each other rock passes it by at most as often as their weights
    say, and once more."""
    rocks = {str(number): weight for number, weight in enumerate(weights)}
    factory = Factory({rock: Share(rock, weight) for rock, weight in rocks.items()}, places)
    passed: Counter[tuple[str, str]] = Counter()
    for tick in range(120):
        factory.end(tick)
        asking = {rock for rock in rocks if random.random() < 0.8}
        hungry = {rock for rock in asking if factory.held(rock) == 0}
        for rock in rocks.keys() - hungry:
            passed = Counter({pair: times for pair, times in passed.items() if pair[0] != rock})
        given = factory.give(tick, random.randint(1, 9), asking)
        assert len(factory.running) == places or not asking, "no place is idle while somebody asks"
        for rock in hungry - set(given):
            passed.update((rock, other) for other in given)
        for rock in given:
            passed = Counter({pair: times for pair, times in passed.items() if pair[0] != rock})
        for (rock, other), times in passed.items():
            assert times <= math.ceil(rocks[other] / rocks[rock]) + 1
