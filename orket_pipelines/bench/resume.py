"""What a kill costs: a session of thirty calls whose process dies inside the seventeenth, and the next that goes on.

Each call counts one up in a file of the checkout, so that a call that is lost or made twice shows in the number.
"""

import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from orket_pipelines.agents import run_session
from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.records import list_sessions, turns_of
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.bench.model import Metric, Report
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.git.fake import MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events
from orket_pipelines.workbench.fake import MemoryWorkbenches, ended
from orket_pipelines.workbench.model import Execution

CALLS, DEADLY = 30, 17
CARD, REPOSITORY = "bench", "bench"


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
    folder.mkdir(exist_ok=True)
    checkout = folder / "checkout"
    store = Store.open(f"sqlite:///{folder / 'orket.db'}")
    code = MemoryCode(folder / "code")
    base = code.ensure(REPOSITORY, title="Bench", at=0)
    with store.write() as tx:
        if not read_events(tx, limit=1):
            insert_cards(tx, [Card(CARD, CardKind.ISSUE, "Count", state=CardState.IN_PROGRESS)])
    if not checkout.exists():
        code.check_out(REPOSITORY, base, checkout)

    def count(path: Path, _command: Sequence[str]) -> Execution:
        reached = _counted(path) + 1
        (path / "counter.txt").write_text(str(reached))
        if reached == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return ended(output=f"counted to {reached}")

    workbench = MemoryWorkbenches(count).open(checkout, name=CARD)
    desk = Desk(store.acting(actor="coder"), code, workbench, Settings(home=folder), threading.Event())
    run_session(desk, _script(), Assignment(CARD, 1, "coder", Purpose.WORK, 1, base, REPOSITORY, (), "Count."))
    with store.read() as tx:
        (session,) = list_sessions(tx)
        stored = len(turns_of(tx, session.id))
    store.close()
    return stored, _counted(checkout)


def _counted(checkout: Path) -> int:
    counter = checkout / "counter.txt"
    return int(counter.read_text()) if counter.exists() else 0


def _script() -> Scripted:
    turns = [{"calls": [{"run_command": {"command": ["count"]}}]} for _ in range(CALLS)]
    asks = {"calls": [{"request_state": {"state": "ready_for_testing", "summary": "Counted."}}]}
    scene = {"purpose": "work", "turns": [*turns, asks]}
    return Scripted(Playbook.model_validate({"cards": {CARD: {"coder": [scene]}}}))
