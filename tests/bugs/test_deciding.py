"""Whether a phase goes on, is extended or ends: numbers alone decide."""

import time
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs.deciding import Decision, End, Extend, GoOn, decide, rate_of
from orket_pipelines.bugs.model import DAY, Phase, PhaseState, Toll
from orket_pipelines.clock import FakeClock, Moment

RULES = BugPhases()
WEEK = 7 * DAY
PHASE = Phase("todo", PhaseState.ACTIVE, WEEK, 0, Moment(0, 0, "b"), started_at=0)


def toll(found: int = 0, high: int = 0) -> Toll:
    return Toll(found, 0, found, high)


@pytest.mark.parametrize(
    ("found", "elapsed", "rate"),
    [(4, 0, 4.0), (4, DAY - 1, 4.0), (4, DAY, 4.0), (4, 2 * DAY - 1, 4.0), (4, 2 * DAY, 2.0), (36, WEEK, 36 / 7)],
)
def test_the_rate_is_by_whole_days_and_in_the_first_day_the_number(found: int, elapsed: int, rate: float) -> None:
    assert rate_of(found, elapsed) == rate


@pytest.mark.parametrize(
    ("planned", "elapsed", "found", "high", "decision"),
    [
        (WEEK, 0, 1_000, 100, GoOn(WEEK)),
        (WEEK, WEEK - 1, 1_000, 100, GoOn(1)),
        (WEEK, WEEK, 0, 0, End("its 7 days are over")),
        (WEEK, WEEK, 35, 3, End("its 7 days are over")),
        (WEEK, WEEK, 42, 0, Extend(2 * WEEK, "6 bugs a day are found, more than 5")),
        (WEEK, WEEK, 4, 4, Extend(2 * WEEK, "4 bugs of priority 3 are open, more than 3")),
        (2 * WEEK, 2 * WEEK, 4, 4, Extend(3 * WEEK, "4 bugs of priority 3 are open, more than 3")),
        (3 * WEEK, 3 * WEEK, 4, 4, Extend(4 * WEEK, "4 bugs of priority 3 are open, more than 3")),
        (24 * DAY, 24 * DAY, 4, 4, Extend(28 * DAY, "4 bugs of priority 3 are open, more than 3")),
        (
            4 * WEEK,
            4 * WEEK,
            4,
            4,
            End("it may last 28 days and no longer, although 4 bugs of priority 3 are open, more than 3"),
        ),
    ],
)
def test_what_becomes_of_a_phase(planned: int, elapsed: int, found: int, high: int, decision: Decision) -> None:
    assert decide(replace(PHASE, planned=planned), elapsed, toll(found, high), RULES) == decision


def test_both_limits_are_settings() -> None:
    rules = BugPhases(rate=0, high_bugs=0, extension_days=1, longest_days=8)
    assert decide(PHASE, WEEK, toll(1), rules) == Extend(8 * DAY, "0.142857 bugs a day are found, more than 0")
    assert isinstance(decide(PHASE, WEEK, toll(0), rules), End)


BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = datetime(2025, 3, 29, 12, tzinfo=BERLIN), datetime(2025, 10, 25, 12, tzinfo=BERLIN)
"""Noon of the day before the clocks of people are set."""


@pytest.mark.parametrize(("begins", "hour"), [(SPRING, 13), (AUTUMN, 11)], ids=["spring", "autumn"])
def test_a_phase_over_a_change_of_the_hour_is_as_many_days_of_86400_seconds(
    begins: datetime, hour: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock on the wall it ends an hour later, or earlier, than it began."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    clock = FakeClock(int(begins.timestamp()) * 10**6)
    phase = replace(PHASE, seen=clock.moment())
    for day in range(1, 8):
        clock.advance(86_400)
        elapsed = phase.elapsed_at(clock.moment())
        assert (elapsed, rate_of(14, elapsed)) == (day * DAY, 14 / day)
        assert isinstance(decide(phase, elapsed, toll(), RULES), GoOn) == (day < 7)
    assert datetime.fromtimestamp(clock.now() / 1e6, BERLIN).hour == hour
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("jump", [-2 * 86_400, -3_600, 3_600, 2 * 86_400])
def test_a_clock_that_is_set_right_before_the_end_neither_ends_a_phase_nor_keeps_it(jump: int) -> None:
    clock = FakeClock()
    phase = replace(PHASE, seen=clock.moment())
    clock.advance(7 * 86_400 - 1)
    clock.jump(jump)
    assert decide(phase, phase.elapsed_at(clock.moment()), toll(), RULES) == GoOn(10**6)
    clock.advance(1)
    assert decide(phase, phase.elapsed_at(clock.moment()), toll(), RULES) == End("its 7 days are over")


jumps = st.lists(st.tuples(st.floats(60, 86_400), st.integers(-2 * 86_400, 2 * 86_400)), max_size=60)


@given(jumps)
def test_no_jump_of_the_clock_makes_a_phase_longer_or_shorter(jumps: list[tuple[float, int]]) -> None:
    """Up to two days, either way, as often as anybody likes; daylight saving is an hour of that."""
    clock = FakeClock()
    phase = replace(PHASE, seen=clock.moment())
    passed = 0.0
    for seconds, jump in jumps:
        clock.advance(seconds)
        clock.jump(jump)
        passed += seconds
        elapsed = phase.elapsed_at(clock.moment())
        assert abs(elapsed - passed * 1e6) < 100
        assert isinstance(decide(phase, elapsed, toll(), RULES), GoOn) == (elapsed < WEEK)
        phase = replace(phase, elapsed=elapsed, seen=clock.moment())
