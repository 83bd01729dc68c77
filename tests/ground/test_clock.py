"""Time."""

import time

from orket_pipelines.clock import FakeClock, SystemClock


def test_the_systems_clock_counts_microseconds_since_the_epoch() -> None:
    assert abs(SystemClock().now() - time.time() * 1_000_000) < 5_000_000


def test_the_systems_clock_sleeps() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.01)

    assert clock.monotonic() - before >= 0.01


def test_a_fake_clock_stands_still_until_somebody_sleeps() -> None:
    clock = FakeClock()
    assert (clock.now(), clock.monotonic()) == (1_700_000_000_000_000, 0.0)

    clock.sleep(1.5)
    assert (clock.now(), clock.monotonic()) == (1_700_000_001_500_000, 1.5)


def test_a_jump_moves_the_wall_clock_alone() -> None:
    clock = FakeClock()
    clock.jump(-60)

    assert (clock.now(), clock.monotonic()) == (1_699_999_940_000_000, 0.0)
