"""The tables about quality: tests, reviews, uptime and bugs, as events tell of them, late and twice as well."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orket_pipelines.analytics import MARTS, drain
from orket_pipelines.clock import FakeClock
from orket_pipelines.store import Store, append, read_events

pytestmark = pytest.mark.slow

Look = Callable[[Path, str], list[tuple[Any, ...]]]
Tell = Callable[..., None]
Ask = Callable[[str], list[tuple[Any, ...]]]
DAY = 86_400
MIDNIGHT = 1_700_006_400 - 1_700_000_000
TOLD_ONCE = {
    *("turn.completed", "tool.called", "model.silent", "policy.violated", "tests.finished"),
    *("session.started", "session.ended", "attempt.started", "bug.reported", "bug_phase.started", "bug_phase.ended"),
    *("pull_request.opened", "pull_request.reviewed", "pull_request.merged"),
}
"""Kinds of events that name what they tell of, so that it is known again. Of a move or of a sandbox's state another
event tells that it is so once more."""


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'orket.db'}"


@pytest.fixture
def tell(store: Store) -> Tell:
    def tell(kind: str, subject: str, /, **payload: Any) -> None:
        with store.write() as tx:
            append(tx, kind, subject, payload)

    return tell


@pytest.fixture
def ask(store: Store, folder: Path, look: Look) -> Ask:
    def ask(query: str) -> list[tuple[Any, ...]]:
        drain(store, folder)
        return look(folder / "snapshot.duckdb", query)

    return ask


def run(tell: Tell, run_id: str, commit: str, *, purpose: str = "head", **outcomes: str) -> None:
    cases = [{"name": name, "outcome": outcome, "seconds": 1.0} for name, outcome in outcomes.items()]
    about = {"suite": "project", "purpose": purpose, "commit": commit, "rock": "todo", "attempt": 1, "passed": True}
    tell("tests.finished", "api", **about, run_id=run_id, cases=cases)


def test_a_run_that_is_told_of_twice_is_one_run(tell: Tell, ask: Ask) -> None:
    for _ in range(2):
        run(tell, "r1", "c1", a="passed", b="failed")
    query = "SELECT run_id, card_id, rock_id, name, outcome, seconds FROM test_results"
    assert ask(query) == [("r1", "api", "todo", "a", "passed", 1.0), ("r1", "api", "todo", "b", "failed", 1.0)]


def test_a_test_is_flaky_that_did_both_on_one_commit(tell: Tell, ask: Ask) -> None:
    run(tell, "r1", "c1", both="passed", mended="failed", reported="flaky", left_out="skipped")
    run(tell, "r2", "c1", both="failed", left_out="failed")
    run(tell, "r3", "c2", both="passed", mended="passed", reported="passed", left_out="skipped")
    run(tell, "r4", "c2", purpose="merged", both="error", mended="passed")
    query = "SELECT name, runs, failures, flaky_runs, flaky_commits, last_commit FROM flaky_tests"
    assert ask(query) == [("both", 4, 2, 0, 1, "c1"), ("reported", 2, 0, 1, 1, "c1")]


def test_uptime_is_by_day_of_what_was_seen_and_leaves_out_what_was_stopped_on_purpose(
    tell: Tell, ask: Ask, clock: FakeClock
) -> None:
    def stands(state: str, kind: str = "changed", **more: Any) -> None:
        tell(f"sandbox.{kind}", "box", rock_id="todo", state=state, generation=1, urls={}, front="api", **more)

    clock.advance(MIDNIGHT - 1_200)
    for state, seconds in (("creating", 600), ("running", 900), ("unhealthy", 300), ("running", 6_000)):
        stands(state)
        clock.advance(seconds)
    stands("running", "observed", up=True, unknown=None)
    clock.advance(100)
    stands("running", "observed", up=None, unknown="no engine answers")
    clock.advance(100)
    for state, seconds in (("stopped", 2 * DAY), ("failed", 900)):
        stands(state)
        clock.advance(seconds)
    tell("moon.landed", "x")
    query = "SELECT * EXCLUDE (sandbox_id, rock_id) FROM sandbox_uptime"
    assert ask(query) == [
        (date(2023, 11, 14), 600.0, 0.0, 600.0, 1.0),
        (date(2023, 11, 15), 300.0 + 1_200 + 100, 300.0, 4_800.0 + 100, 1_600 / 1_900),
        (date(2023, 11, 17), 0.0, 900.0, 0.0, 0.0),
    ]


def test_a_clock_that_was_set_back_takes_no_time_away(tell: Tell, ask: Ask, clock: FakeClock) -> None:
    tell("card.created", "api", kind="issue", name="API", state="ready", attempt=1)
    for state in ("in_progress", "ready_for_testing", "code_review", "done"):
        clock.advance(10)
        clock.jump(-100 if state == "code_review" else 0)
        moved = {
            "kind": "issue",
            "from": "x" if state == "in_progress" else "in_progress",
            "to": state,
            "actor": "system",
        }
        tell("card.moved", "api", **moved)
    tell("sandbox.changed", "box", rock_id="todo", state="running", generation=1)
    clock.jump(-DAY)
    tell("sandbox.changed", "box", rock_id="todo", state="stopped", generation=1)
    assert ask("SELECT working_seconds, cycle_seconds FROM issue_cycle_times") == [(20.0, 0.0)]
    assert ask("FROM sandbox_uptime") == []


def test_review_cycles_are_the_commits_that_were_reviewed(tell: Tell, ask: Ask, clock: FakeClock) -> None:
    about = {"repository": "todo", "number": 1, "rock": "todo"}

    def said(reviewer: str, verdict: str, commit: str) -> None:
        clock.advance(5)
        tell("pull_request.reviewed", "api", **about, reviewer=reviewer, verdict=verdict, commit=commit)

    tell("code.committed", "api", **about, commit="c1")
    said("guard", "changes_requested", "c1")
    said("ada", "approved", "c1")
    tell("code.committed", "api", **about, commit="c2")
    said("guard", "changes_requested", "c2")
    said("guard", "approved", "c2")
    said("ada", "commented", "c2")
    said("ada", "commented", "c3")
    query = (
        "SELECT * EXCLUDE (repository, number, card_id, rock_id, first_review_at, last_review_at) FROM review_cycles"
    )
    assert ask(query) == [
        (1, "c1", 2, 1, 1, "changes_requested", 5.0, 5.0),
        (2, "c2", 3, 1, 1, "approved", 5.0, 10.0),
        (3, "c3", 1, 0, 0, "commented", None, 0.0),
    ]


def test_a_phase_shows_with_its_bugs_by_day(tell: Tell, ask: Ask, clock: FakeClock) -> None:
    phase = {"state": "active", "planned_days": 2.0, "elapsed_days": 0.0, "extensions": 0, "reason": "", "rock": "todo"}
    tell("bug_phase.started", "todo", **phase)

    def found(bug: str, *, in_phase: bool = True) -> None:
        tell("card.created", bug, kind="issue", name=bug, state="ready", rock_id="todo", attempt=1)
        tell("bug.reported", bug, rock="todo", name=bug, severity="major", source="person", by="ada", in_phase=in_phase)

    def fixed(bug: str) -> None:
        tell("card.moved", bug, kind="issue", **{"from": "code_review", "to": "done"})

    found("before", in_phase=False)
    for bug in ("a", "b"):
        found(bug)
        tell("bug.reported", bug, rock="todo", name=bug, in_phase=True)
    clock.advance(1.5 * DAY)
    found("c")
    fixed("a")
    assert ask("SELECT state, round(elapsed_days, 2), found, fixed, rate, ended_at FROM bug_phase_summary") == [
        ("active", 1.5, 3, 1, 3.0, None)
    ]
    clock.advance(0.5 * DAY)
    ended = {"state": "completed", "elapsed_days": 2.0, "reason": "its 2 days are over", "left_to": "todo-phase2"}
    for _ in range(2):
        tell("bug_phase.ended", "todo", **phase | ended)
        clock.advance(DAY)
    fixed("b")
    query = "SELECT state, elapsed_days, found, fixed, rate, left_to, ended_at FROM bug_phase_summary"
    at = datetime.fromtimestamp(1_700_000_000 + 2 * DAY, tz=UTC)
    assert ask(query) == [("completed", 2.0, 3, 1, 1.5, "todo-phase2", at)]
    assert ask("FROM bug_rates") == [("todo", 1, 2, 0, 2, 2, 2.0), ("todo", 2, 1, 1, 3, 2, 1.5)]
    assert ask("SELECT card_id, state, in_phase FROM bugs ORDER BY card_id") == [
        ("a", "done", True),
        ("b", "done", True),
        ("before", "ready", False),
        ("c", "ready", True),
    ]


def test_a_role_is_judged_by_what_it_brought_in(tell: Tell, ask: Ask, clock: FakeClock) -> None:
    def worked(session: str, card: str, purpose: str, outcome: dict[str, Any], cost: float) -> None:
        about = {"session_id": session, "card": card, "role": "coder", "model": "small", "attempt": 1}
        tell("session.started", card, **about, purpose=purpose, visit=1)
        tell("turn.completed", card, **about, number=1, input_tokens=1, output_tokens=1, cost=cost, seconds=1.0)
        clock.advance(10)
        tell("session.ended", card, **about, outcome=outcome)

    for number, (card, asked) in enumerate((("one", False), ("two", True), ("three", False)), 1):
        worked(f"s-{card}", card, "work", {"request": "ready_for_testing"}, 0.5)
        request = {"repository": "todo", "number": number, "attempt": 1}
        tell("pull_request.opened", card, **request)
        if asked:
            tell("pull_request.reviewed", card, **request, verdict="changes_requested", reviewer="guard", commit="c")
        if card != "three":
            tell("pull_request.merged", card, **request, merge_commit="m")
    worked("s4", "one", "changes_requested", {"failure": "silent"}, 0.5)
    tell("bug.reported", "b", rock="todo", name="b", source="agent", by="coder")
    query = (
        "SELECT role, model, sessions, ended_well, attempts, merged, first_pass, changes_requested, bugs_reported,"
        " cost::DOUBLE, cost_of_merge::DOUBLE FROM agent_scorecard"
    )
    assert ask(query) == [("coder", "small", 4, 0.75, 3, 2, 1, 1, 1, 2.0, 1.0)]


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.chaos) for seed in range(2, 12))])
def test_however_events_are_drained_the_tables_are_those_of_one_drain_of_all(
    seed: int, story: Store, clock: FakeClock, tmp_path: Path, look: Look
) -> None:
    """In batches of any size, with the clock set to and fro, things told of twice, and the warehouse thrown away."""
    chance = random.Random(seed)
    folder, whole = tmp_path / "bit-by-bit", tmp_path / "whole"
    with story.read() as tx:
        told = [(event.kind, event.subject, event.payload) for event in read_events(tx)]
    again = chance.sample(told, len(told)) + chance.sample(told, len(told) // 2)
    drained = set(chance.sample(range(len(again)), 5))
    for index, (kind, subject, payload) in enumerate(again):
        clock.advance(chance.uniform(0, 5_000))
        clock.jump(chance.choice([0, 0, 0, -2 * DAY, 2 * DAY]))
        with story.write() as tx:
            append(tx, kind, subject, payload)
        if index in drained:
            drain(story, folder)
            for lost in folder.glob(chance.choice(["*", "warehouse*", "snapshot*", "nothing*"])):
                lost.unlink()
    drain(story, folder)
    drain(story, whole)
    for mart in MARTS:
        found = [look(each / "snapshot.duckdb", f"FROM {mart}") for each in (folder, whole)]
        assert found[0] == found[1], mart


def test_events_that_come_late_or_come_again_change_no_table(
    story: Store, folder: Path, tmp_path: Path, look: Look
) -> None:
    """A drain that missed every third event, published what it had, and then was handed all of them once more."""
    whole, warehouse = tmp_path / "whole", folder / "warehouse.duckdb"
    drain(story, folder)
    with duckdb.connect(str(warehouse)) as missed:
        missed.execute("DELETE FROM events WHERE seq % 3 = 0")
    for change in ("SELECT 1", "UPDATE progress SET seq = 0, event_id = ''"):
        with duckdb.connect(str(warehouse)) as again:
            again.execute(change)
        with story.write() as tx:
            append(tx, "moon.landed", "x", {})
        drain(story, folder)
    drain(story, whole)
    for mart in MARTS:
        found = [look(each / "snapshot.duckdb", f"FROM {mart}") for each in (folder, whole)]
        assert found[0] == found[1], mart


def test_what_two_events_tell_of_is_one_thing_in_every_table(
    story: Store, tell: Tell, ask: Ask, folder: Path, look: Look
) -> None:
    silent = {"card": "api", "role": "coder", "session_id": "s1", "turn": 1, "model": "big", "answered_by": "small"}
    tell("model.silent", "api", **silent)
    drain(story, folder)
    counted = [mart for mart in MARTS if mart not in {"about", "events"}]
    before = {mart: look(folder / "snapshot.duckdb", f"FROM {mart}") for mart in counted}
    assert [mart for mart in counted if not before[mart]] == []
    with story.read() as tx:
        told = [event for event in read_events(tx) if event.kind in TOLD_ONCE]
    assert {event.kind for event in told} == TOLD_ONCE
    for event in random.Random(1).sample(told, len(told)):
        tell(event.kind, event.subject, **event.payload)
    drain(story, folder)
    for mart in counted:
        assert look(folder / "snapshot.duckdb", f"FROM {mart}") == before[mart], mart
