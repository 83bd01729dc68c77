"""Effects happen once, whatever dies in between."""

from collections.abc import Callable
from typing import Any

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import EffectInDoubt, ForgeError, LeaseLost
from orket_pipelines.store import LeaseKeeper, Store, Transaction, append, effect_kind, perform, read_events, tables
from orket_pipelines.store.effects import DONE, FAILED, PENDING, UNKNOWN, find
from orket_pipelines.store.failpoints import registered

KIND = effect_kind("test.effects")
KEY = "test.effects:key"
Result = dict[str, Any]


class World:
    """Something outside the store that an effect changes, and that may fail or die on the way."""

    def __init__(self) -> None:
        self.happened = 0
        self.trouble: list[BaseException] = []

    def act(self) -> Result:
        if self.trouble:
            raise self.trouble.pop()
        self.happened += 1
        return {"number": self.happened}

    def act_and_die(self) -> Result:
        self.act()
        raise KeyboardInterrupt

    def probe(self) -> Result | None:
        return {"number": self.happened} if self.happened else None


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def do(store: Store) -> Callable[..., Result]:
    def perform_it(act: Callable[[], Result], **more: Any) -> Result:
        return perform(store, KIND, "key", subject="card", intent={"do": "it"}, act=act, **more)

    return perform_it


def outcome(store: Store) -> str:
    with store.read() as tx:
        found = find(tx, KEY)
    assert found is not None
    return found.outcome


def test_what_is_done_is_not_done_again_and_its_result_comes_back(
    do: Callable[..., Result], store: Store, world: World
) -> None:
    assert do(world.act) == {"number": 1}
    assert do(world.act) == {"number": 1}
    assert world.happened == 1
    assert outcome(store) == DONE


def test_another_key_is_another_effect(store: Store, world: World) -> None:
    for key in ("one", "two"):
        perform(store, KIND, key, subject="card", intent={}, act=world.act)

    assert world.happened == 2


def test_what_failed_is_told_and_tried_again_as_the_next_attempt(
    do: Callable[..., Result], store: Store, world: World
) -> None:
    world.trouble = [ForgeError("the forge is busy")]
    with pytest.raises(ForgeError):
        do(world.act)
    with store.read() as tx:
        failed = find(tx, KEY)
    assert failed is not None
    assert (failed.outcome, failed.result, failed.attempt) == (FAILED, {"error": "the forge is busy"}, 1)

    assert do(world.act) == {"number": 1}
    with store.read() as tx:
        done = find(tx, KEY)
    assert done is not None
    assert (done.outcome, done.result, done.attempt) == (DONE, {"number": 1}, 2)


def test_an_effect_in_doubt_that_happened_is_not_repeated(
    do: Callable[..., Result], store: Store, world: World
) -> None:
    with pytest.raises(KeyboardInterrupt):
        do(world.act_and_die)
    assert outcome(store) == PENDING

    assert do(world.act, probe=world.probe) == {"number": 1}
    assert world.happened == 1
    assert outcome(store) == DONE


def test_an_effect_in_doubt_that_did_not_happen_is_done(do: Callable[..., Result], store: Store, world: World) -> None:
    world.trouble = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        do(world.act)

    assert do(world.act, probe=world.probe) == {"number": 1}
    with store.read() as tx:
        found = find(tx, KEY)
    assert found is not None
    assert (found.outcome, found.attempt) == (DONE, 2)


def test_an_effect_in_doubt_that_nobody_can_ask_about_becomes_unknown_and_is_left_to_a_person(
    do: Callable[..., Result], store: Store, world: World
) -> None:
    with pytest.raises(KeyboardInterrupt):
        do(world.act_and_die)

    for _ in range(2):
        with pytest.raises(EffectInDoubt, match=KEY) as doubt:
            do(world.act)
        assert doubt.value.next_step
        assert outcome(store) == UNKNOWN
    assert world.happened == 1


def test_what_is_not_our_own_error_leaves_the_effect_in_doubt(
    do: Callable[..., Result], store: Store, world: World
) -> None:
    """A crash says nothing about the world, unlike an error that a room raises on purpose."""
    world.trouble = [ValueError("a bug")]
    with pytest.raises(ValueError, match="a bug"):
        do(world.act)

    assert outcome(store) == PENDING


def test_a_probe_that_fails_leaves_the_effect_in_doubt(do: Callable[..., Result], store: Store, world: World) -> None:
    with pytest.raises(KeyboardInterrupt):
        do(world.act_and_die)

    def unreachable() -> Result | None:
        raise ForgeError("no answer")

    with pytest.raises(ForgeError):
        do(world.act, probe=unreachable)
    assert outcome(store) == PENDING
    assert world.happened == 1


def test_the_record_is_in_the_transaction_of_the_outcome(do: Callable[..., Result], store: Store, world: World) -> None:
    def record_and_die(tx: Transaction, result: Result) -> None:
        append(tx, "test.recorded", "card", result)
        raise KeyboardInterrupt

    def record(tx: Transaction, result: Result) -> None:
        append(tx, "test.recorded", "card", result)

    with pytest.raises(KeyboardInterrupt):
        do(world.act, record=record_and_die)
    assert outcome(store) == PENDING
    with store.read() as tx:
        assert read_events(tx) == []

    for _ in range(2):
        do(world.act, probe=world.probe, record=record)
    with store.read() as tx:
        assert [event.payload for event in read_events(tx)] == [{"number": 1}]


def test_an_outcome_under_a_lost_lease_is_refused(store: Store, world: World) -> None:
    first, second = LeaseKeeper(store, patience=30), LeaseKeeper(store, patience=30)
    with store.write() as tx:
        lease = first.take(tx, "issue:1")
    fenced = store.acting(fence=lease)

    def act_while_another_takes_over() -> Result:
        first.release(lease)  # type: ignore[arg-type]
        with store.write() as tx:
            assert second.take(tx, "issue:1") is not None
        return world.act()

    with pytest.raises(LeaseLost):
        perform(fenced, KIND, "key", subject="card", intent={}, act=act_while_another_takes_over)
    assert outcome(store) == PENDING
    assert perform(store, KIND, "key", subject="card", intent={}, act=world.act, probe=world.probe) == {"number": 1}


def test_a_new_attempt_forgets_the_old_one_but_for_its_number(
    do: Callable[..., Result], store: Store, world: World, clock: FakeClock
) -> None:
    world.trouble = [KeyboardInterrupt(), ForgeError("busy")]
    with pytest.raises(ForgeError):
        do(world.act)
    clock.advance(5)
    with pytest.raises(KeyboardInterrupt):
        do(world.act)

    with store.read() as tx:
        row = tx.execute(tables.effects.select()).mappings().one()
    assert (row["outcome"], row["attempt"], row["result"], row["ended_at"]) == (PENDING, 2, None, None)
    assert row["begun_at"] == 1_700_000_005_000_000


def test_a_kind_of_effect_registers_its_four_failpoints() -> None:
    moments = ("before_intent", "after_intent", "after_effect", "after_outcome")

    assert {f"test.effects.{moment}" for moment in moments} <= set(registered())
