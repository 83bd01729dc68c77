"""A process that is killed at any system call of a commit, or whose calls fail: the commit is there whole, or not.

A kill is not a loss of power: what the kernel had taken over is still written.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from orket_pipelines.store import Store
from orket_pipelines.store.tables import metadata

from .faults import Fault, can_be_made, do_under
from .halves import TRANSACTIONS, insist, look, open_and_close, write

pytestmark = pytest.mark.slow

CALLS = {"sqlite": "pwrite64,fdatasync,fsync,ftruncate,unlink", "postgresql": "sendto"}
"""By which a file is changed, and a server is told."""
STEPS = [16, pytest.param(1, marks=pytest.mark.chaos)]
"""Every how many calls of a migration, which has hundreds: there is a process for each, which takes its time."""


@pytest.fixture(scope="module", autouse=True)
def strace(require: Callable[[str, bool, str], None]) -> None:
    """What makes the faults."""
    require("strace", can_be_made(), "strace is missing (apt install strace), or may not attach here")


def name_calls(url: str) -> str:
    return CALLS[sa.make_url(url).get_backend_name()]


@pytest.mark.parametrize("calls", [None, "recvfrom"], ids=["what is sent", "what comes back"])
def test_killed_at_any_call_of_a_commit_it_is_there_whole_or_not_at_all(
    calls: str | None, database_url: str, tmp_path: Path
) -> None:
    """And what was acknowledged is there."""
    fault = Fault(calls or name_calls(database_url), "signal=SIGKILL")
    acknowledged, number, stored = tmp_path / "acknowledged", 0, 0
    Store.open(database_url).close()
    killed = True
    while killed:
        number += 1
        acknowledged.write_text("")
        killed = do_under(partial(write, database_url, acknowledged), fault, number)
        told, halves = len(acknowledged.read_text()), look(database_url)
        assert halves in {(stored + told,) * 2, (stored + told + 1,) * 2}, f"killed at call {number}"
        stored = halves[0]
    assert told == TRANSACTIONS
    # SQLite asks no server.
    assert number > TRANSACTIONS or calls == "recvfrom"


@pytest.mark.parametrize("error", ["pwrite64:ENOSPC", "pwrite64:EIO", "fdatasync:EIO"])
def test_a_call_of_a_commit_that_fails_is_told_leaves_nothing_and_the_next_commit_goes_on(
    error: str, tmp_path: Path
) -> None:
    calls, code = error.split(":")
    url = f"sqlite:///{tmp_path / 'orket.db'}"
    Store.open(url).close()
    for number in range(1, 2 * TRANSACTIONS):
        do_under(partial(insist, url), Fault(calls, f"error={code}"), number)
        assert look(url) == (number * TRANSACTIONS,) * 2, f"failed at call {number}"


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_call_of_a_migration_the_next_process_makes_the_schema(step: int, tmp_path: Path) -> None:
    number = 1
    while make_schema(f"sqlite:///{tmp_path / str(number)}.db", killed_at=number):
        number += step
    assert number > 100


def make_schema(url: str, *, killed_at: int) -> bool:
    """Kill one process that does, and look what the next one makes; whether there was something to kill."""
    killed = do_under(partial(open_and_close, url), Fault(name_calls(url), "signal=SIGKILL"), killed_at)
    store = Store.open(url)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()
    return killed
