"""How long a sandbox was up, as far as anybody knows."""

import threading
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.clock import MICROSECONDS, FakeClock
from orket_pipelines.errors import EngineUnavailable
from orket_pipelines.sandboxes import Deployment, MemorySandboxes, Sandbox, SandboxState, reconcile
from orket_pipelines.sandboxes.observing import last_observed, observations
from orket_pipelines.sandboxes.uptime import VOUCHES, Observation, Uptime, is_up, uptime
from orket_pipelines.store import Store

LOOKS = st.lists(st.tuples(st.integers(0, 1_000), st.sampled_from([True, False, None])), max_size=20)


@dataclass(frozen=True, slots=True)
class Unreachable(MemorySandboxes):
    """On an engine that does not answer."""

    def watch(self, sandbox: Sandbox) -> Sandbox:
        raise EngineUnavailable("the engine does not answer")


def of(*seen: tuple[int, bool | None]) -> list[Observation]:
    return [Observation(at, up) for at, up in seen]


def test_what_was_seen_holds_until_the_next_look() -> None:
    assert uptime(of((0, True), (60, False), (70, True)), since=0, until=100, vouches=1_000) == Uptime(90, 10, 0)


def test_a_gap_is_unknown_and_not_down() -> None:
    found = uptime(of((0, True), (80, True)), since=0, until=100, vouches=30)
    assert found == Uptime(50, 0, 50)
    assert found.ratio == 1.0


def test_a_look_that_saw_nothing_is_unknown() -> None:
    found = uptime(of((0, None)), since=0, until=100, vouches=1_000)
    assert found == Uptime(0, 0, 100)
    assert found.ratio is None


def test_a_look_before_the_time_counts_for_what_of_it_reaches_in() -> None:
    assert uptime(of((0, False), (50, True)), since=40, until=60, vouches=45) == Uptime(10, 5, 5)


@given(LOOKS)
def test_the_parts_are_the_whole_and_none_is_negative(looks: list[tuple[int, bool | None]]) -> None:
    found = uptime(of(*sorted(looks, key=lambda each: each[0])), since=100, until=700, vouches=50)
    assert found.up + found.down + found.unknown == 600
    assert min(found.up, found.down, found.unknown) >= 0


def test_states_that_are_not_to_run_say_nothing_of_how_well_it_does() -> None:
    assert {state for state in SandboxState if is_up(state) is True} == {SandboxState.RUNNING}
    assert {state for state in SandboxState if is_up(state) is False} == {SandboxState.UNHEALTHY, SandboxState.FAILED}


def test_each_look_is_recorded_and_one_that_failed_is_no_absence(store: Store, clock: FakeClock) -> None:
    sandbox = MemorySandboxes(store).deploy(Deployment("todo", "todo", "c1", Path()), stop=threading.Event())
    began = clock.now()
    clock.advance(600)
    reconcile(MemorySandboxes(store), store)
    clock.advance(600)
    assert reconcile(Unreachable(store), store) == []
    with store.read() as tx:
        seen = observations(tx, sandbox.id, since=began)
        assert last_observed(tx, sandbox.id) == clock.now()
    assert [each.up for each in seen][-3:] == [True, True, None]
    ended = clock.now() + VOUCHES
    assert uptime(seen, since=began, until=ended) == Uptime(1_200 * MICROSECONDS, 0, VOUCHES)


def test_words_of_earlier_releases_in_events_are_read_as_what_they_meant() -> None:
    assert [SandboxState(word) for word in ("deploying", "removed")] == [SandboxState.CREATING, SandboxState.DELETED]
