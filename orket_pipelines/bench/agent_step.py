"""What a step of a long session costs, with everything stored as it happens: CPU, disk, and memory while it is idle."""

import gc
import sqlite3
import tempfile
import time
import tracemalloc
from pathlib import Path

from orket_pipelines.agents import run_session
from orket_pipelines.agents.history import History
from orket_pipelines.agents.records import calls_of, list_sessions, turns_of
from orket_pipelines.agents.roles import get_role
from orket_pipelines.bench.desk import open_store, script, set_up
from orket_pipelines.bench.floor import agent_steps
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.cards.model import CardState
from orket_pipelines.store import Store

STEPS = 200
NAME = f"{'n' * 60}/{'m' * 60}.txt"
"""Makes a call of some 200 characters, and a result of as many."""
DISK, IDLE = 0.5, 1.0
"""What the steps may take on disk, and a session in memory while nobody asks it anything: MB."""


def measure(report: Report) -> list[Metric]:
    """CPU of a step beside that of the bare model library over as many steps; MB on disk and in memory."""
    report(f"a session of {STEPS} steps")
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
        _hold(Path(folder, "warm-up"), 20)
        cpu, disk, idle = _hold(Path(folder, "measured"), STEPS)
    floor = agent_steps(STEPS, run=STEPS).cpu / STEPS
    return [
        against("agent_step.cpu", cpu / STEPS * 1e3, "ms a step", floor * 1e3),
        against("agent_step.disk", disk / 1e6, f"MB for {STEPS} steps", DISK),
        against("agent_step.idle", idle / 1e6, "MB a session", IDLE),
    ]


def _hold(folder: Path, steps: int) -> tuple[float, int, int]:
    """CPU seconds of a session, bytes that the database grew by, bytes of its conversation in memory."""
    store = open_store(folder)
    desk, assignment = set_up(store, folder, turn_limit=2 * STEPS)
    file = desk.workbench.checkout / NAME
    file.parent.mkdir()
    file.write_text("a short line\n" * STEPS)
    models = script(
        [{"read_file": {"path": NAME, "start_line": number, "line_count": 1}} for number in range(1, steps)]
    )
    before = _size(folder)
    cpu = time.process_time()
    run_session(desk, models, assignment)
    cpu = time.process_time() - cpu
    grown = _size(folder) - before
    idle = _weigh(store)
    store.close()
    return cpu, grown, idle


def _size(folder: Path) -> int:
    """Bytes of the database, with all that stands in its log."""
    connection = sqlite3.connect(folder / "orket.db")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return (folder / "orket.db").stat().st_size


def _weigh(store: Store) -> int:
    """Bytes that a session's conversation takes, read anew from what is stored."""
    with store.read() as tx:
        (session,) = list_sessions(tx)
        turns, calls = turns_of(tx, session.id), calls_of(tx, session.id)
    gc.collect()
    tracemalloc.start()
    history = History.rebuilt(session, get_role("coder"), turns, calls, CardState.IN_PROGRESS)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del history
    return held
