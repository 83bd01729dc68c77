"""What a kill costs: a session of thirty calls whose process dies inside the seventeenth, and the next that goes on.

Each call counts one up in a file of the checkout, so that a call that is lost or made twice shows in the number.
"""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from orket_pipelines.agents import run_session
from orket_pipelines.agents.records import list_sessions, turns_of
from orket_pipelines.bench.desk import open_store, script, set_up
from orket_pipelines.bench.model import Metric, Report
from orket_pipelines.workbench.fake import MemoryWorkbenches, ended
from orket_pipelines.workbench.model import Execution

CALLS, DEADLY = 30, 17


def measure(report: Report) -> list[Metric]:
    """Turns that were lost, effects that are there twice or not at all, and the seconds until the session was over."""
    report(f"{CALLS} calls, killed in number {DEADLY}")
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as name:
        folder = Path(name)
        undisturbed = time.monotonic()
        _hold(folder / "undisturbed", deadly=0)
        undisturbed = time.monotonic() - undisturbed
        # Not forked: a copy of this process would hold its locks.
        first = multiprocessing.get_context("spawn").Process(target=_hold, args=(folder / "killed", DEADLY))
        first.start()
        first.join()
        began = time.monotonic()
        turns, counted = _hold(folder / "killed", deadly=0)
        seconds = time.monotonic() - began
    return [
        Metric("resume.killed", float(first.exitcode == -signal.SIGKILL), "processes", 1.0),
        Metric("resume.lost_turns", CALLS + 1 - turns, "turns", 0.0),
        Metric("resume.repeated_effects", max(0, counted - CALLS), "effects", 0.0),
        Metric("resume.lost_effects", max(0, CALLS - counted), "effects", 0.0),
        Metric(
            "resume.wall", round(seconds, 3), "s for the rest", round(undisturbed, 3), round(seconds / undisturbed, 2)
        ),
    ]


def _hold(folder: Path, deadly: int) -> tuple[int, int]:
    """Hold the session, from where it stands; the turns that are stored, and what was counted."""

    def count(path: Path, _command: Sequence[str]) -> Execution:
        reached = _counted(path) + 1
        (path / "counter.txt").write_text(str(reached))
        if reached == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return ended(output=f"counted to {reached}")

    store = open_store(folder)
    desk, assignment = set_up(store, folder, MemoryWorkbenches(count))
    run_session(desk, script([{"run_command": {"command": ["count"]}}] * CALLS), assignment)
    with store.read() as tx:
        (session,) = list_sessions(tx)
        stored = len(turns_of(tx, session.id))
    store.close()
    return stored, _counted(desk.workbench.checkout)


def _counted(checkout: Path) -> int:
    counter = checkout / "counter.txt"
    return int(counter.read_text()) if counter.exists() else 0
