"""What is worked on first."""

import time

from orket_pipelines.cards import (
    Card,
    CardKind,
    CardState,
    claimable,
    hopeless,
    order,
    score,
    scores,
    unmet_dependencies,
)
from orket_pipelines.cards.scheduling import critical_path, waves


def issue(
    card_id: str, *depends_on: str, priority: float = 2.0, state: CardState = CardState.READY, age: int = 0
) -> Card:
    return Card(
        card_id,
        CardKind.ISSUE,
        card_id,
        priority=priority,
        depends_on=depends_on,
        state=state,
        created_at=age,
    )


DIAMOND = [issue("top", "left", "right"), issue("left", "base"), issue("right", "base"), issue("base")]


def ids(cards: list[Card]) -> list[str]:
    return [card.id for card in cards]


def test_the_score_is_the_priority_and_the_number_of_dependents() -> None:
    assert score(issue("a", priority=3.0), 4) == 7.0


def test_a_dependent_that_is_reached_by_two_ways_counts_once() -> None:
    assert scores(DIAMOND) == {"base": 5.0, "left": 3.0, "right": 3.0, "top": 2.0}


def test_a_dependency_outside_the_cards_is_not_counted_and_does_no_harm() -> None:
    assert scores([issue("a", "elsewhere")]) == {"a": 2.0}
    assert ids(order([issue("a", "elsewhere")])) == ["a"]


def test_cards_come_after_what_they_depend_on_and_otherwise_by_score() -> None:
    cards = [*DIAMOND, issue("urgent", "left", priority=9.0), issue("alone", priority=3.5)]

    assert ids(order(cards)) == ["base", "left", "urgent", "alone", "right", "top"]


def test_equals_go_by_age_and_then_by_id() -> None:
    cards = [issue("young", age=2), issue("b", age=1), issue("a", age=1)]

    assert ids(order(cards)) == ["a", "b", "young"]


def test_a_cycle_loses_no_card() -> None:
    cards = [issue("a", "b"), issue("b", "a"), issue("c", "a"), issue("d")]

    assert ids(order(cards))[0] == "d"
    assert sorted(ids(order(cards))) == ["a", "b", "c", "d"]
    assert scores(cards).keys() == {"a", "b", "c", "d"}


def test_a_card_waits_for_each_dependency_that_is_not_done() -> None:
    card = issue("a", "done", "open", "missing")
    states = {"done": CardState.DONE, "open": CardState.CODE_REVIEW}

    assert unmet_dependencies(card, states) == ("open", "missing")


def test_a_dependency_that_is_canceled_or_blocked_needs_a_person() -> None:
    card = issue("a", "canceled", "blocked", "open", "done")
    states = {state.value: state for state in CardState} | {"open": CardState.IN_PROGRESS}

    assert hopeless(card, states) == ("canceled", "blocked")


def test_only_ready_issues_whose_dependencies_are_done_can_be_claimed_best_first() -> None:
    cards = [
        issue("base", state=CardState.DONE),
        issue("small", "base", priority=1.0),
        issue("big", "base"),
        issue("later", "big"),
        issue("running", "base", state=CardState.IN_PROGRESS),
        Card("rock", CardKind.ROCK, "rock"),
    ]

    assert ids(claimable(cards, {card.id: card.state for card in cards})) == ["big", "small"]


def test_ten_thousand_cards_are_ordered_within_a_second() -> None:
    cards = [issue(f"c{n}", *{f"c{n // 2}", f"c{n // 3}", f"c{n - 1}"}) for n in range(1, 10_000)]
    started = time.process_time()

    assert len(order(cards)) == 9_999
    assert time.process_time() - started < 1


def test_a_wave_is_the_earliest_turn_of_a_card_that_is_not_final() -> None:
    cards = [*DIAMOND, issue("after", "finished"), issue("finished", state=CardState.DONE)]

    assert waves(cards) == {"base": 1, "left": 2, "right": 2, "top": 3, "after": 1}


def test_the_critical_path_is_the_longest_chain_of_what_is_left() -> None:
    cards = [*DIAMOND, issue("a"), issue("b", "a", priority=1.0), issue("urgent", priority=50.0)]

    assert ids(critical_path(cards)) == ["base", "left", "top"]
    assert ids(critical_path([card for card in cards if card.id != "base"])) == ["left", "top"]
    assert critical_path([issue("finished", state=CardState.DONE)]) == []


def test_a_cycle_is_on_no_critical_path_and_in_no_wave() -> None:
    cards = [issue("a", "b"), issue("b", "a"), issue("c", "a"), issue("d")]

    assert waves(cards) == {"d": 1}
    assert ids(critical_path(cards)) == ["d"]
