"""Seats: sessions of a role or with a model at once, over all processes."""

import threading
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.delivery import Result, deliver_issue, open_factory
from orket_pipelines.delivery.claims import Choice, Claimant, Refused
from orket_pipelines.delivery.places import Full, full_for_session, limit_of, occupancy, seats_needed, take_seat
from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper

pytestmark = pytest.mark.slow


def take(line: Any, leases: LeaseKeeper, scope: str, name: str, limit: int) -> bool:
    with line.store.write() as tx:
        lease = take_seat(tx, leases, scope, name, limit)
    return lease is not None and bool(leases.confirm(lease))


def test_who_is_not_named_has_the_limit_of_everybody_or_none() -> None:
    assert limit_of({"coder": 1, "*": 2}, "coder") == 1
    assert limit_of({"coder": 1, "*": 2}, "architect") == 2
    assert limit_of({"coder": 1}, "architect") is None


def test_a_session_needs_a_seat_of_whatever_is_limited() -> None:
    settings = Settings(role_concurrency={"coder": 2}, model_concurrency={"*": 1})
    assert seats_needed(settings, "coder", "qwen3:30b") == [("role", "coder", 2), ("model", "qwen3:30b", 1)]
    assert seats_needed(settings, "guard", "qwen3:30b") == [("model", "qwen3:30b", 1)]


def test_seats_are_counted_over_processes(line: Any) -> None:
    settings = line.settings.model_copy(update={"model_concurrency": {"qwen3:30b": 2}})
    first, second = LeaseKeeper(line.store), LeaseKeeper(line.store)
    taken = [take(line, leases, "model", "qwen3:30b", 2) for leases in (first, second, first)]
    with line.store.read() as tx:
        found = occupancy(tx, second)
    first.close()
    second.close()

    assert taken == [True, True, False]
    assert found.seats == {("model", "qwen3:30b"): 2}
    assert full_for_session(settings, found, "coder", "qwen3:30b") == Full("model", "qwen3:30b", 2)


def test_no_issue_is_begun_whose_author_finds_no_seat_and_others_are(line: Any) -> None:
    line.settings = line.settings.model_copy(update={"role_concurrency": {"coder": 1}, "concurrency": 5})
    line.add("code", priority=3.0)
    line.add("plan", seat="lead_architect")
    take(line, line.leases, "role", "coder", 1)
    worker = Claimant(line.factory)
    claimed = worker.claim_next(Choice("rock"))
    left = worker.claim_next(Choice("rock"))

    assert isinstance(claimed, tuple)
    assert claimed[0] == "plan"
    assert isinstance(left, Refused)
    assert str(left) == "its author waits for a place: taken are 1 in sessions of coder (role_concurrency)"


def test_no_more_sessions_of_a_role_go_on_at_once_than_the_settings_allow(line: Any) -> None:
    limits = {"role_concurrency": {"*": 1}, "concurrency": 3}
    line.settings = line.settings.model_copy(update=limits)
    line.add("one", "two", "three")
    seen: list[int] = []

    def look(_checkout: Path) -> None:
        with line.store.read() as tx:
            seen.append(max(occupancy(tx, line.leases).seats.values(), default=0))

    line.during_tests = look
    assert {found.result for found in line.deliver().values()} == {Result.DONE}
    assert max(seen) <= 1
    with line.store.read() as tx:
        assert occupancy(tx, line.leases).seats == {}, "all seats are given back"


class StoppedWhileWaiting(threading.Event):
    """A request to stop that comes as soon as somebody waits."""

    def wait(self, timeout: float | None = None) -> bool:
        self.set()
        return True


def test_a_worker_that_waits_for_a_seat_heeds_a_request_to_stop(line: Any) -> None:
    line.settings = line.settings.model_copy(update={"role_concurrency": {"integrity_guard": 1}})
    line.add("one")
    take(line, line.leases, "role", "integrity_guard", 1)
    stopped = deliver_issue(line.factory, "one", stop=StoppedWhileWaiting())

    assert (stopped.result, stopped.reason) == (Result.STOPPED, "stopped while waiting for a seat of integrity_guard")


def test_a_limit_for_a_role_that_there_is_not_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, role_concurrency={"codr": 1})

    with pytest.raises(SettingsError, match="role_concurrency: no role is called codr") as refused:
        open_factory(settings)
    assert "coder" in refused.value.next_step
