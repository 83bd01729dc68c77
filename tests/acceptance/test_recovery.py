"""Processes of the real thing that are killed, or stopped for too long, on both databases: others carry on."""

import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from .desk import TIME_LIMIT, Desk, Done

if TYPE_CHECKING:
    import subprocess

pytestmark = pytest.mark.slow

READY_AGAIN = 15.0
"""Seconds after its start until a process works on what a killed one held."""
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)
ALL = [pytest.mark.postgres, pytest.mark.chaos]
"""Where all is tried, which takes its time."""
MARK = ".coverage"
"""A file that a command leaves, and that nobody commits."""
BUSY = f"- run_command: {{command: [sh, -c, 'touch {MARK}; sleep 2']}}"
AT_ONCE = 2
"""Issues of the rock that wait for no other."""


@pytest.fixture
def harbour(desk: Desk, database_url: str) -> Desk:
    """A desk whose store is on one of the databases, with the rock in it."""
    made = replace(desk, environment=desk.environment | {"ORKET_DATABASE_URL": database_url})
    assert made.orket("cards", "import", "pier.yaml").code == 0
    return made


def await_work(process: "subprocess.Popen[str]") -> None:
    """Until an agent is called."""
    assert process.stdout is not None
    while " is called" not in process.stdout.readline():
        assert process.poll() is None


def end_of(process: "subprocess.Popen[str]") -> Done:
    told, complained = process.communicate(timeout=TIME_LIMIT)
    return Done(process.returncode, told, complained)


@pytest.mark.parametrize("database_url", [pytest.param("sqlite", marks=ALL), POSTGRESQL], indirect=True)
def test_what_a_killed_delivery_held_is_worked_on_by_the_next_at_once(harbour: Desk) -> None:
    """Killed after main has moved, and before that was written down."""
    killed = end_of(harbour.start("rocks", "deliver", "pier", ORKET_FAILPOINT="forge.embedded.base_moved"))
    assert killed.code == -signal.SIGKILL
    assert killed.complained.endswith("killed at failpoint forge.embedded.base_moved\n")
    begun = time.monotonic()
    process = harbour.start("rocks", "deliver", "pier")
    await_work(process)
    assert time.monotonic() - begun < READY_AGAIN
    harbour.is_delivered(end_of(process))


@pytest.mark.parametrize("database_url", ["sqlite", pytest.param("postgresql", marks=ALL)], indirect=True)
def test_a_worker_that_was_stopped_for_too_long_is_overtaken_and_its_late_writes_are_refused(harbour: Desk) -> None:
    """Stopped while agents run commands: within a transaction, SQLite would be locked for as long."""
    harbour.play(pause=BUSY)
    paused = harbour.start("rocks", "deliver", "pier")
    while len(list(harbour.home.glob(f"checkouts/default/*/work/{MARK}"))) < AT_ONCE:
        assert paused.poll() is None
    paused.send_signal(signal.SIGSTOP)
    harbour.is_delivered(harbour.orket("rocks", "deliver", "pier", ORKET_LEASE_PATIENCE="2"))
    paused.send_signal(signal.SIGCONT)
    late = end_of(paused)
    # PostgreSQL gives up a connection that was in the midst of a question.
    assert late.code == 0 or "run the same command again" in late.complained
    afterwards = harbour.orket("rocks", "deliver", "pier")
    harbour.is_delivered(afterwards)
    assert "pull requests:     3 opened, 3 merged" in afterwards.told
    assert " in 6 sessions" in afterwards.told
