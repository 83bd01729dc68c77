"""Time."""

import subprocess
import sys
import time

from orket_pipelines.clock import FakeClock, Moment, SystemClock


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


def test_time_passes_the_same_however_the_wall_clock_is_set() -> None:
    clock = FakeClock()
    before = clock.moment()
    for jump in (-2 * 86_400, 2 * 86_400, -3_600):
        clock.advance(60)
        clock.jump(jump)

    assert clock.moment().since(before) == 180_000_000


def test_after_a_restart_of_the_machine_the_wall_clock_counts_and_never_backwards() -> None:
    before = Moment(at=1_000, ticks=900, boot="one")

    assert Moment(at=5_000, ticks=10, boot="two").since(before) == 4_000
    assert Moment(at=500, ticks=10, boot="two").since(before) == 0


def test_moments_of_two_processes_of_one_machine_can_be_compared() -> None:
    command = "from orket_pipelines.clock import SystemClock; m = SystemClock().moment(); print(m.ticks, m.boot)"
    before = SystemClock().moment()
    said = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True).stdout.split()

    assert said[1] == before.boot
    assert before.ticks < int(said[0]) < SystemClock().moment().ticks
