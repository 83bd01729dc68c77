"""Failpoints kill the process where they say, and nowhere else."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from orket_pipelines.store import failpoint, reach
from orket_pipelines.store.failpoints import arm, registered

SCRIPT = """
from orket_pipelines.store import failpoint, reach
place = failpoint("test.place")
for number in range(5):
    reach(place)
    print(number, flush=True)
"""


def run(armed: str) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"ORKET_FAILPOINT": armed},
        cwd=Path.cwd(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.split(), done.stderr


def test_an_armed_place_dies_by_sigkill_the_first_time_and_says_where() -> None:
    assert run("test.place") == (-signal.SIGKILL, [], "killed at failpoint test.place\n")


def test_a_count_says_at_which_time() -> None:
    assert run("test.place:3") == (-signal.SIGKILL, ["0", "1"], "killed at failpoint test.place\n")


def test_another_place_does_not_die() -> None:
    assert run("test.other") == (0, ["0", "1", "2", "3", "4"], "")


def test_of_several_armed_places_the_first_to_be_reached_dies() -> None:
    said, says = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(says, 2)
        arm("test.one", "test.two")
        for place in ("test.other", "test.two", "test.one"):
            reach(place)
        os._exit(0)
    os.close(says)
    with os.fdopen(said) as words:
        assert words.read() == "killed at failpoint test.two\n"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_place_that_is_not_armed_costs_nothing_and_is_listed() -> None:
    place = failpoint("test.failpoints.here")
    reach(place)

    assert place in registered()
    assert registered() == sorted(registered())
