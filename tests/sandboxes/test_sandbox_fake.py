"""The fake keeps what the real ones keep: rows, generations, ports, events."""

import threading
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes import (
    Deployment,
    MemorySandboxes,
    Sandbox,
    Sandboxes,
    SandboxState,
    expire,
    expired,
    lease_name,
    reconcile,
)
from orket_pipelines.sandboxes.records import get_sandbox, list_sandboxes
from orket_pipelines.store import LeaseKeeper, Store, read_events


@pytest.fixture
def sandboxes(store: Store) -> MemorySandboxes:
    return MemorySandboxes(store, {"bad": "app.py line 3: SyntaxError"})


def deploy(sandboxes: Sandboxes, commit: str, rock: str = "todo") -> Sandbox:
    return sandboxes.deploy(Deployment(rock, rock, commit, Path("/nowhere")), stop=threading.Event())


def test_a_commit_is_deployed_and_the_next_takes_its_place(sandboxes: MemorySandboxes, store: Store) -> None:
    first, second = deploy(sandboxes, "c1"), deploy(sandboxes, "c2")

    assert (first.state, first.generation, second.generation) == (SandboxState.RUNNING, 1, 2)
    assert (second.id, second.url) == (first.id, first.url)
    assert sandboxes.is_healthy(second)
    assert deploy(sandboxes, "c2") == second
    with store.read() as tx:
        states = [event.payload["state"] for event in read_events(tx, subject=first.id)]
    assert states == ["creating", "running", "creating", "running"]


def test_a_commit_that_fails_says_why_and_a_better_one_mends_it(sandboxes: MemorySandboxes) -> None:
    failed = deploy(sandboxes, "bad")

    assert (failed.state, failed.note, failed.url) == (SandboxState.FAILED, "app.py line 3: SyntaxError", None)
    assert not sandboxes.is_healthy(failed)
    assert sandboxes.logs(failed) == {"app": "app.py line 3: SyntaxError"}
    assert deploy(sandboxes, "c2").state is SandboxState.RUNNING


def test_it_is_stopped_started_and_removed(sandboxes: MemorySandboxes) -> None:
    stopped = sandboxes.stop(deploy(sandboxes, "c1"))
    assert stopped.state is SandboxState.STOPPED
    removed = sandboxes.down(deploy(sandboxes, "c1"))
    assert (removed.state, removed.urls) == (SandboxState.DELETED, {})
    with pytest.raises(SandboxError, match="cannot be stopped"):
        sandboxes.stop(removed)
    assert deploy(sandboxes, "c1").state is SandboxState.RUNNING


def test_sandboxes_are_found_by_rock_and_by_id(sandboxes: MemorySandboxes, store: Store) -> None:
    one, two = deploy(sandboxes, "c1", "a-rock"), deploy(sandboxes, "c1", "b-rock")
    with store.read() as tx:
        assert get_sandbox(tx, "a-rock") == get_sandbox(tx, one.id) == one
        assert list_sandboxes(tx) == [one, two]
        assert list_sandboxes(tx, {SandboxState.FAILED}) == []
        with pytest.raises(SandboxError, match="there is no sandbox"):
            get_sandbox(tx, "c-rock")


def test_time_takes_them_down_unless_somebody_deploys_just_then(
    sandboxes: MemorySandboxes, store: Store, clock: FakeClock
) -> None:
    keeper, other = LeaseKeeper(store), LeaseKeeper(store)
    kept, busy = deploy(sandboxes, "c1", "a-rock"), deploy(sandboxes, "c1", "b-rock")
    assert expired(store) == []
    clock.advance(7 * 86_400)
    with other.holding(lease_name(busy.rock_id), stop=threading.Event()):
        removed = expire(sandboxes, store, keeper)
    assert [(each.id, each.state) for each in removed] == [(kept.id, SandboxState.DELETED)]
    assert [each.id for each in expire(sandboxes, store, keeper)] == [busy.id]
    assert reconcile(sandboxes, store) == []
    keeper.close()
    other.close()
