"""Leases: one worker at a time, takeover of the silent and the dead, and a fence against those who come back."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import LeaseLost, Stopped, StoreError
from orket_pipelines.store import Lease, LeaseKeeper, Store, append, read_events, tables
from orket_pipelines.store.leases import dead_leases

NAME = "issue:1"
TWO_DAYS = 172_800.0
HOLDER = """
import sys, time
from orket_pipelines.store import LeaseKeeper, Store
store = Store.open(sys.argv[1])
keeper = LeaseKeeper(store)
with store.write() as tx:
    lease = keeper.take(tx, "issue:1")
keeper.confirm(lease)
print(lease.token, flush=True)
time.sleep(60)
"""


@pytest.fixture
def keepers(store: Store) -> Iterator[tuple[LeaseKeeper, LeaseKeeper]]:
    pair = LeaseKeeper(store, patience=30), LeaseKeeper(store, patience=30)
    yield pair
    for keeper in pair:
        keeper.close()


def take(store: Store, keeper: LeaseKeeper, name: str = NAME) -> Lease | None:
    with store.write() as tx:
        return keeper.take(tx, name)


def taken(store: Store, keeper: LeaseKeeper) -> Lease:
    lease = take(store, keeper)
    assert lease is not None
    return lease


def test_only_one_holds_a_lease(store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper]) -> None:
    first, second = keepers

    assert taken(store, first).token == 1
    assert take(store, second) is None
    assert take(store, second, "issue:2") is not None


def test_the_token_grows_with_every_change_of_hands(store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper]) -> None:
    first, second = keepers
    first.release(first.confirm(taken(store, first)))
    second.release(second.confirm(taken(store, second)))

    assert taken(store, first).token == 3


def test_a_silent_holder_loses_its_lease_when_patience_ends_and_not_before(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock
) -> None:
    first, second = keepers
    taken(store, first)

    assert take(store, second) is None
    clock.advance(29.9)
    assert take(store, second) is None
    clock.advance(0.1)
    assert taken(store, second).token == 2


@pytest.mark.parametrize("jump", [TWO_DAYS, -TWO_DAYS])
def test_a_jump_of_the_wall_clock_takes_no_lease_and_keeps_none(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock, jump: float
) -> None:
    first, second = keepers
    taken(store, first)
    assert take(store, second) is None

    clock.jump(jump)
    assert take(store, second) is None
    clock.advance(30)
    clock.jump(-2 * jump)
    assert taken(store, second).token == 2


def test_a_holder_who_renews_keeps_its_lease_however_long_it_works(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock
) -> None:
    first, second = keepers
    lease = taken(store, first)
    for _ in range(10):
        assert take(store, second) is None
        clock.advance(20)
        first._renew([lease])

    assert take(store, second) is None


def test_a_late_write_of_a_paused_worker_is_refused_and_leaves_nothing(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock
) -> None:
    first, second = keepers
    paused = store.acting(fence=taken(store, first))
    with paused.write() as tx:
        append(tx, "test.written", "in time", {})
    take(store, second)
    clock.advance(30)
    owner = store.acting(fence=taken(store, second))

    with pytest.raises(LeaseLost, match="issue:1"), paused.write() as tx:
        append(tx, "test.written", "too late", {})
    with owner.write() as tx:
        append(tx, "test.written", "by the new owner", {})
    with store.read() as tx:
        assert [event.subject for event in read_events(tx)] == ["in time", "by the new owner"]


def test_a_renewal_under_a_lost_lease_does_not_renew_the_new_owners(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock
) -> None:
    first, second = keepers
    lost = taken(store, first)
    take(store, second)
    clock.advance(30)
    taken(store, second)
    first._renew([lost])

    with store.read() as tx:
        assert tx.execute(sa.select(tables.leases.c.renewals)).scalar() == 0


def test_giving_back_a_lost_lease_does_not_take_it_from_the_new_owner(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock
) -> None:
    first, second = keepers
    lost = taken(store, first)
    take(store, second)
    clock.advance(30)
    taken(store, second)
    first.release(lost)

    assert take(store, first) is None


def test_the_thread_renews_what_was_confirmed_until_it_is_given_back(store: Store) -> None:
    keeper = LeaseKeeper(store, patience=0.06)
    lease = keeper.confirm(taken(store, keeper))

    def renewals() -> int:
        with store.read() as tx:
            return int(tx.execute(sa.select(tables.leases.c.renewals)).scalar_one())

    deadline = time.monotonic() + 10
    while renewals() < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert renewals() >= 3
    keeper.release(lease)
    before = renewals()
    time.sleep(0.1)
    assert renewals() == before
    keeper.close()


def test_a_renewal_that_the_store_refuses_is_tried_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = LeaseKeeper(store, patience=30)
    lease = taken(store, keeper)

    def refuse() -> None:
        raise StoreError("full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", refuse)
        keeper._renew([lease])
    keeper._renew([lease])

    with store.read() as tx:
        assert tx.execute(sa.select(tables.leases.c.renewals)).scalar() == 1


def test_a_lease_whose_taking_was_rolled_back_is_free(store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper]) -> None:
    first, second = keepers

    def take_and_fail() -> None:
        with store.write() as tx:
            first.take(tx, NAME)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_and_fail()
    assert taken(store, second).token == 1


def test_who_waits_gets_the_lease_when_it_is_given_back(store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper]) -> None:
    first, second = keepers
    lease = first.confirm(taken(store, first))
    got = threading.Event()

    def wait() -> None:
        with second.holding(NAME, stop=threading.Event(), poll=0.01):
            got.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert not got.wait(0.1)
    first.release(lease)
    assert got.wait(10)
    thread.join(10)
    assert taken(store, first).token == 3


def test_who_waits_stops_when_told_to(store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper]) -> None:
    first, second = keepers
    taken(store, first)
    stop = threading.Event()
    stop.set()

    with pytest.raises(Stopped, match=NAME), second.holding(NAME, stop=stop):
        pass


@pytest.fixture
def holder(database_url: str, store: Store) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lease."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, database_url], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_lease_of_a_killed_process_is_taken_over_at_once(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], holder: "subprocess.Popen[str]"
) -> None:
    first, _ = keepers
    assert take(store, first) is None
    with store.read() as tx:
        assert dead_leases(tx, "issue:") == []
        assert first.held(tx, "issue:") == {NAME}

    # Not waited for: a zombie is as dead as one that is gone.
    os.kill(holder.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while (lease := take(store, first)) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lease is not None
    assert lease.token == 2


def test_the_lease_of_a_stopped_process_is_not_taken_over_at_once(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], holder: "subprocess.Popen[str]", clock: FakeClock
) -> None:
    """It may come back; only patience tells, and then the fence."""
    first, _ = keepers
    os.kill(holder.pid, signal.SIGSTOP)

    assert take(store, first) is None
    clock.advance(30)
    assert taken(store, first).token == 2


@pytest.mark.parametrize("place", ["elsewhere", "another boot", "another process table"])
def test_a_process_that_cannot_be_seen_from_here_is_never_proven_dead(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper], clock: FakeClock, place: str
) -> None:
    first, second = keepers
    parts = taken(store, first).owner.split("/")
    parts[["elsewhere", "another boot", "another process table"].index(place)] = place
    parts[3] = "4194303999"
    with store.write() as tx:
        tx.execute(sa.update(tables.leases).values(owner="/".join(parts)))

    assert take(store, second) is None
    clock.advance(30)
    assert take(store, second) is not None


def test_a_process_with_the_number_of_a_dead_one_does_not_keep_its_lease(
    store: Store, keepers: tuple[LeaseKeeper, LeaseKeeper]
) -> None:
    first, second = keepers
    parts = taken(store, first).owner.split("/")
    parts[4] = "1"
    with store.write() as tx:
        tx.execute(sa.update(tables.leases).values(owner="/".join(parts)))
        assert dead_leases(tx, "issue:") == [NAME]
        assert second.held(tx, "issue:") == set()

    assert taken(store, second).token == 2
