"""Claims and places: the best issue of the rock whose turn it is, within limits that hold over all processes."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from orket_pipelines.cards.bugs import Finding, Severity, report
from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.records import get_card, insert_cards, list_cards, move_card, move_in, update_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.clock import FakeClock
from orket_pipelines.delivery import Result, deliver_rock
from orket_pipelines.delivery.claims import Choice, Claimant, Obstacle, Refused
from orket_pipelines.store import Lease, LeaseKeeper

pytestmark = pytest.mark.slow

Process = Callable[..., Claimant]


def add_rock(line: Any, rock_id: str, *issues: str, priority: float = 2.0, **values: Any) -> None:
    """A rock besides the one that every line has, with issues named `rock_id-…`."""
    cards = [
        Card(rock_id, CardKind.ROCK, rock_id, rock_id=rock_id, priority=priority),
        Card(f"{rock_id}-epic", CardKind.EPIC, "Epic", parent_id=rock_id, rock_id=rock_id),
        *(
            Card(f"{rock_id}-{name}", CardKind.ISSUE, name, parent_id=f"{rock_id}-epic", rock_id=rock_id, **values)
            for name in issues
        ),
    ]
    with line.store.write() as tx:
        insert_cards(tx, cards)


def move(line: Any, card_id: str, *states: CardState) -> None:
    """Bring a card somewhere, step by step."""
    for state in states:
        with line.store.write() as tx:
            move_in(tx, get_card(tx, card_id), Move(state, "system", guard_approved=True))


def finish(line: Any, card_id: str, lease: Lease, leases: LeaseKeeper) -> None:
    """What a worker does with an issue, in no time."""
    move(line, card_id, CardState.IN_PROGRESS, CardState.CODE_REVIEW, CardState.DONE)
    leases.release(lease)


@pytest.fixture
def process(line: Any) -> Iterator[Process]:
    """A worker process on the line's store: claims with leases of its own, under settings of its own."""
    keepers: list[LeaseKeeper] = []

    def start(**settings: Any) -> Claimant:
        keepers.append(LeaseKeeper(line.store, patience=30))
        factory = line.another(keepers[-1])
        return Claimant(replace(factory, settings=line.settings.model_copy(update=settings)))

    yield start
    for keeper in keepers:
        keeper.close()


def claimed(found: tuple[str, Lease] | Refused | None) -> str:
    assert isinstance(found, tuple), found
    return found[0]


def refused(found: object) -> str:
    assert isinstance(found, Refused), found
    return str(found)


def test_the_best_score_is_claimed_first(line: Any, process: Process) -> None:
    line.add("low", priority=1.0)
    line.add("high", priority=3.0)
    line.add("base", priority=1.5)
    line.add("behind-1", "behind-2", depends_on=("base",), priority=1.0)
    worker = process(concurrency=9)

    assert [claimed(worker.claim_next(Choice("rock"))) for _ in range(3)] == ["base", "high", "low"]
    assert worker.claim_next(Choice("rock")) is None


def test_an_issue_can_be_claimed_when_its_last_dependency_is_done(line: Any, process: Process) -> None:
    line.add("one", "two")
    line.add("last", depends_on=("one", "two"), priority=9.0)
    worker = process(concurrency=9)
    for _ in range(2):
        card_id, lease = worker.claim_next(Choice("rock"))  # type: ignore[misc]
        assert worker.claim_next(Choice("rock", excluded=frozenset({"two", "one"}))) is None
        finish(line, card_id, lease, worker._factory.leases)

    assert claimed(worker.claim_next(Choice("rock"))) == "last"


def test_a_dependency_that_is_canceled_sets_nothing_free(line: Any, process: Process) -> None:
    line.add("one")
    line.add("last", depends_on=("one",))
    move_card(line.store, "one", Move(CardState.CANCELED, "project_manager"))
    worker = process()

    assert worker.claim_next(Choice("rock")) is None
    assert refused(worker.claim("last", may_resume=False)) == "it depends on what is canceled: one"


def test_a_card_that_changes_is_ranked_anew(line: Any, process: Process) -> None:
    line.add("one", priority=2.0)
    line.add("two", priority=1.0)
    worker = process(concurrency=9)
    assert claimed(worker.claim_next(Choice("rock"))) == "one"
    line.add("three", priority=1.5)
    with line.store.write() as tx:
        update_card(tx, replace(get_card(tx, "two"), priority=1.75))

    assert claimed(worker.claim_next(Choice("rock"))) == "two"


def test_a_card_that_came_to_depend_on_another_waits_for_it(line: Any, process: Process) -> None:
    line.add("one", "two")
    worker = process(concurrency=9)
    assert claimed(worker.claim_next(Choice("rock"))) == "one"
    with line.store.write() as tx:
        update_card(tx, replace(get_card(tx, "two"), depends_on=("one",)))

    assert worker.claim_next(Choice("rock")) is None


def test_what_a_worker_left_behind_is_claimed_by_its_score_too(line: Any, process: Process) -> None:
    line.add("ready", priority=2.0)
    line.add("begun", priority=3.0, state=CardState.CODE_REVIEW)

    assert claimed(process().claim_next(Choice("rock"))) == "begun"


def test_a_waiting_card_is_claimed_where_it_may_be_taken_up_again(line: Any, process: Process) -> None:
    line.add("one", state=CardState.BLOCKED, wait_reason=WaitReason.SYSTEM)
    worker = process()

    assert worker.claim_next(Choice("rock")) is None
    assert claimed(worker.claim_next(Choice("rock", resumable=frozenset({"one"})))) == "one"


def test_the_total_holds_over_processes(line: Any, process: Process) -> None:
    line.add("one", "two", "three")
    first, second = process(concurrency=2), process(concurrency=2)
    claimed(first.claim_next(Choice("rock")))
    claimed(second.claim_next(Choice("rock")))

    assert refused(first.claim_next(Choice("rock"))) == "it waits for a place: taken are 2 in all (concurrency)"
    assert refused(second.claim("three", may_resume=False)).startswith("it waits for a place")


def test_a_rock_holds_no_more_places_than_its_limit(line: Any, process: Process) -> None:
    line.add("one", "two")
    add_rock(line, "other", "a", "b")
    worker = process(concurrency=9, rock_concurrency={"*": 2, "rock": 1})
    claimed(worker.claim_next(Choice("rock")))

    told = "it waits for a place: taken are 1 of rock rock (rock_concurrency)"
    assert refused(worker.claim_next(Choice("rock"))) == told
    assert [claimed(worker.claim_next(Choice("other"))) for _ in range(2)] == ["other-a", "other-b"]


def test_a_dead_workers_place_is_free_when_its_lease_is(line: Any, process: Process, clock: FakeClock) -> None:
    line.add("one", "two")
    dead, living = process(concurrency=1), process(concurrency=1)
    claimed(dead.claim_next(Choice("rock")))
    assert isinstance(living.claim_next(Choice("rock")), Refused)
    clock.advance(30)

    assert claimed(living.claim_next(Choice("rock"))) == "one"


def test_a_rock_of_one_is_not_starved_by_a_rock_of_many_in_another_process(line: Any, process: Process) -> None:
    line.add(*(f"issue-{number}" for number in range(20)), priority=900.0)
    add_rock(line, "small", "only", priority=1.0)
    busy, waiting = process(concurrency=1), process(concurrency=1)
    _, lease = busy.claim_next(Choice("rock"))  # type: ignore[misc]
    refused(waiting.claim_next(Choice("small")))
    finish(line, "issue-0", lease, busy._factory.leases)

    told = "it waits for a place: first come rock small"
    assert refused(busy.claim_next(Choice("rock"))) == told
    assert claimed(waiting.claim_next(Choice("small"))) == "small-only"


def test_no_place_is_kept_for_who_no_longer_waits(line: Any, process: Process) -> None:
    line.add("one", "two")
    add_rock(line, "small", "only")
    busy, waiting = process(concurrency=1), process(concurrency=1)
    _, lease = busy.claim_next(Choice("rock"))  # type: ignore[misc]
    refused(waiting.claim_next(Choice("small")))
    waiting.withdraw()
    finish(line, "one", lease, busy._factory.leases)

    assert claimed(busy.claim_next(Choice("rock"))) == "two"


def test_no_place_is_kept_for_who_waits_and_died(line: Any, process: Process, clock: FakeClock) -> None:
    line.add("one", "two")
    add_rock(line, "small", "only")
    busy, dead = process(concurrency=1), process(concurrency=1)
    _, lease = busy.claim_next(Choice("rock"))  # type: ignore[misc]
    refused(dead.claim_next(Choice("small")))
    finish(line, "one", lease, busy._factory.leases)
    assert isinstance(busy.claim_next(Choice("rock")), Refused)
    clock.advance(30)

    assert claimed(busy.claim_next(Choice("rock"))) == "two"


def test_a_place_that_is_left_goes_to_who_asks(line: Any, process: Process) -> None:
    line.add("one", "two", "three")
    add_rock(line, "small", "only")
    busy, waiting = process(concurrency=3), process(concurrency=1)
    claimed(busy.claim_next(Choice("rock")))
    refused(waiting.claim_next(Choice("small")))

    assert claimed(busy.claim_next(Choice("rock"))) == "two", "the third place is kept for the rock that waits"
    assert isinstance(busy.claim_next(Choice("rock")), Refused)


def test_a_worker_for_all_rocks_takes_them_in_turn(line: Any, process: Process) -> None:
    line.add("one", "two")
    add_rock(line, "heavy", "a", "b", "c", "d", priority=4.0)
    worker = process(concurrency=9, rock_concurrency={"heavy": 3})

    found = [claimed(worker.claim_next(Choice())) for _ in range(5)]
    assert found == ["heavy-a", "one", "heavy-b", "heavy-c", "two"]
    assert refused(worker.claim_next(Choice())) == "it waits for a place: taken are 3 of rock heavy (rock_concurrency)"


def test_of_a_rock_that_is_done_no_more_is_worked_on_than_its_phase_allows_whoever_asks(
    line: Any, process: Process
) -> None:
    """Two processes, and a third that comes later: the limit is of the phase, and not of a run."""
    line.add("one")
    move(line, "one", CardState.IN_PROGRESS, CardState.CODE_REVIEW, CardState.DONE)
    with line.store.write() as tx:
        assert get_card(tx, "rock").state is CardState.DONE
        bugs = [report(tx, "rock", Finding(name, name, Severity.CRITICAL)).card.id for name in ("a", "b", "c")]
    two, other = process(concurrency=9), process(concurrency=9)
    first, second = two.claim(bugs[0], may_resume=False), other.claim(bugs[1], may_resume=False)
    assert isinstance(first, Lease)
    assert isinstance(second, Lease)

    told = "it waits for a place: taken are 2 of rock rock, which is done (concurrency of bug_phases)"
    assert refused(other.claim(bugs[2], may_resume=False)) == told
    assert refused(process(concurrency=9).claim_next(Choice("rock"))) == told
    two._factory.leases.release(first)
    assert isinstance(process(concurrency=9).claim(bugs[2], may_resume=False), Lease)


def test_the_limit_of_a_phase_is_none_for_a_rock_under_way(line: Any, process: Process) -> None:
    line.add("one", "two", "three")
    worker = process(concurrency=9)
    assert [claimed(worker.claim_next(Choice("rock"))) for _ in range(3)] == ["one", "two", "three"]


def test_the_score_in_the_store_is_that_of_the_scheduler(line: Any, process: Process) -> None:
    from orket_pipelines.cards import scores

    line.add("base")
    line.add("left", "right", depends_on=("base",))
    line.add("top", depends_on=("left", "right"), priority=3.0)
    process().claim_next(Choice("rock"))
    with line.store.read() as tx:
        expected = scores(list_cards(tx))
        from orket_pipelines.delivery.candidates import candidate

        assert {card_id: -candidate(tx, card_id).order[0] for card_id in expected} == expected


def test_a_held_issue_is_refused_whoever_asks_for_it(line: Any, process: Process) -> None:
    line.add("one")
    claimed(process(concurrency=9).claim_next(Choice("rock")))

    found = process(concurrency=9).claim("one", may_resume=False)
    assert isinstance(found, Refused)
    assert found.obstacle is Obstacle.HELD


def test_a_rock_that_finds_no_place_waits_for_one_and_says_so(line: Any, process: Process) -> None:
    line.settings = line.settings.model_copy(update={"concurrency": 1})
    add_rock(line, "other", "only")
    line.add("one")
    elsewhere = process(concurrency=1)
    _, lease = elsewhere.claim_next(Choice("other"))  # type: ignore[misc]
    heard: list[str] = []

    def free_it(reason: str) -> None:
        heard.append(reason)
        finish(line, "other-only", lease, elsewhere._factory.leases)

    [delivered] = deliver_rock(line.factory, "rock", stop=threading.Event(), on_waiting=free_it)
    assert delivered.result is Result.DONE
    assert heard == ["rock: it waits for a place: taken are 1 in all (concurrency)"]
