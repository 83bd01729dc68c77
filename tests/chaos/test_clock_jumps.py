"""The machine's clock jumps by two days, there and back, in the midst of a delivery: nobody notices."""

from functools import partial
from itertools import count
from pathlib import Path

import pytest

from orket_pipelines.clock import MICROSECONDS, SystemClock

from .ends import End, look
from .line import Line, run

pytestmark = pytest.mark.slow

TWO_DAYS = 2 * 86_400 * MICROSECONDS
EVERY = 25
"""How often the clock is asked between two jumps; a delivery asks many hundred times."""


class Jumping(SystemClock):
    """Two days ahead, two days behind, and as the world has it, in turn; `first` is where it begins."""

    def __init__(self, first: int = 0) -> None:
        self._asked = count(first * EVERY)

    def now(self) -> int:
        return super().now() + (0, TWO_DAYS, -TWO_DAYS)[next(self._asked) // EVERY % 3]


def test_a_clock_that_jumps_in_mid_run_changes_nothing_in_the_end(undisturbed: End, tmp_path: Path) -> None:
    assert not run(tmp_path, open_line=partial(Line, clock=Jumping()))
    assert look(tmp_path) == undisturbed


def test_a_clock_that_jumped_between_a_kill_and_the_next_process_changes_nothing_either(
    undisturbed: End, tmp_path: Path
) -> None:
    """What is removed by age was not old, and what was begun in the future is carried on."""
    for first, failpoint in enumerate(("dependencies.after_start", "sandboxes.after_start", "browser.after_start", "")):
        clock = Jumping(first)
        assert run(tmp_path, failpoint, open_line=partial(Line, clock=clock)) == failpoint
    assert look(tmp_path) == undisturbed
