"""Failpoints kill the process where they say, and nowhere else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from orket_pipelines.store import failpoint, reach
from orket_pipelines.store.failpoints import registered

SCRIPT = """
from orket_pipelines.store import failpoint, reach
place = failpoint("test.place")
for number in range(5):
    reach(place)
    print(number, flush=True)
"""


def run(armed: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"ORKET_FAILPOINT": armed},
        cwd=Path.cwd(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.split()


def test_an_armed_place_dies_by_sigkill_the_first_time() -> None:
    assert run("test.place") == (-signal.SIGKILL, [])


def test_a_count_says_at_which_time() -> None:
    assert run("test.place:3") == (-signal.SIGKILL, ["0", "1"])


def test_another_place_does_not_die() -> None:
    assert run("test.other") == (0, ["0", "1", "2", "3", "4"])


def test_a_place_that_is_not_armed_costs_nothing_and_is_listed() -> None:
    place = failpoint("test.failpoints.here")
    reach(place)

    assert place in registered()
    assert registered() == sorted(registered())
