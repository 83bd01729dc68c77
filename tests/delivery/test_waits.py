"""Why an issue is not being worked on."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.delivery.places import Occupancy
from orket_pipelines.delivery.waits import Wait, Why, waits_of
from orket_pipelines.settings import Settings


def issue(card_id: str, *depends_on: str, state: CardState = CardState.READY, reason: str | None = None) -> Card:
    waits = WaitReason(reason) if reason else None
    note = "which database?" if waits else ""
    return Card(
        card_id, CardKind.ISSUE, card_id, state, rock_id="rock", depends_on=depends_on, wait_reason=waits, note=note
    )


def wait(
    *cards: Card, rocks: Mapping[str, str] | None = None, asking: Collection[str] = (), **settings: object
) -> list[Wait]:
    limits = Settings(**settings)  # type: ignore[arg-type]
    return waits_of(cards, Occupancy(rocks or {}, {}, frozenset(asking)), limits)


def told(found: list[Wait]) -> dict[str, tuple[Why, str]]:
    return {each.card_id: (each.why, each.told) for each in found}


def test_what_is_final_or_in_a_workers_hands_does_not_wait() -> None:
    cards = [issue("done", state=CardState.DONE), issue("held"), Card("rock", CardKind.ROCK, "rock")]
    assert wait(*cards, rocks={"held": "rock"}) == []


def test_a_dependency_is_named_with_its_state() -> None:
    found = told(wait(issue("a", state=CardState.IN_PROGRESS), issue("b", "a"), rocks={"a": "rock"}))
    assert found == {"b": (Why.DEPENDENCY, "waits for a (in_progress)")}


def test_a_canceled_dependency_is_reported_and_not_waited_for() -> None:
    [direct, behind] = wait(issue("a", state=CardState.CANCELED), issue("b", "a"), issue("c", "b"))
    assert (direct.why, behind.why) == (Why.CANCELED, Why.CANCELED)
    assert direct.told == "will not be started: it depends on a, which is canceled"
    assert direct.next_step == "Take a out of its depends_on and import the file again, or cancel b too."
    assert behind.told == "will not be started: it depends on b, which depends on a canceled card"


def test_a_full_limit_is_named() -> None:
    held = {"x": "other", "y": "rock"}
    all_taken = told(wait(issue("a"), rocks=held, concurrency=2))
    assert all_taken == {"a": (Why.PLACE, "waits for a place: taken are 2 in all (concurrency)")}
    rocks_own = told(wait(issue("a"), rocks=held, concurrency=9, rock_concurrency=1))
    assert rocks_own == {"a": (Why.PLACE, "waits for a place: taken are 1 of rock rock (rock_concurrency)")}


def test_a_rock_that_asks_for_a_place_waits_for_its_turn() -> None:
    assert told(wait(issue("a"), asking=["rock"])) == {"a": (Why.PLACE, "waits for a place: other rocks come first")}


def test_a_card_that_asks_a_person_says_what() -> None:
    asking = issue("a", state=CardState.WAITING_FOR_DEVELOPER, reason="system")
    blocked = issue("b", state=CardState.BLOCKED, reason="input")
    found = wait(asking, blocked)
    assert [(each.why, each.reason) for each in found] == [(Why.PERSON, WaitReason.INPUT)] * 2
    assert found[1].told == "waits for a person (input): which database?"
    assert found[0].next_step == "Mend it, then: orket issues deliver a"
    assert found[1].next_step == 'orket issues deliver b --answer "TEXT"'


def test_a_blocked_card_counts_by_its_reason() -> None:
    [found] = wait(issue("a", state=CardState.BLOCKED, reason="resource"))
    assert (found.why, found.reason) == (Why.BLOCKED, WaitReason.RESOURCE)


def test_a_blocked_card_without_a_note_says_so() -> None:
    [found] = wait(replace(issue("a", state=CardState.BLOCKED, reason="system"), note=""))
    assert found.told == "is blocked (system): nobody said why"


def test_where_nothing_is_in_the_way_the_command_that_delivers_is_named() -> None:
    [found] = wait(issue("a"))
    assert (found.why, found.reason, found.next_step) == (Why.START, None, "orket rocks deliver rock")


def test_the_next_to_be_worked_on_comes_first() -> None:
    assert [each.card_id for each in wait(issue("a", "b"), issue("b"), issue("c"))] == ["b", "a", "c"]
