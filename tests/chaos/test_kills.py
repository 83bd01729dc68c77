"""Killed by SIGKILL at every failpoint, the next process ends where an undisturbed one does."""

import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.analytics import drain
from orket_pipelines.cards.importing import import_cards
from orket_pipelines.delivery import Factory, deliver_rock
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MAIN, MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, tables
from orket_pipelines.store.failpoints import arm, registered
from orket_pipelines.workbench import MemoryWorkbenches
from orket_pipelines.workbench.fake import ended
from orket_pipelines.workbench.model import Execution

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
SEATS = frozenset({"coder", "integrity_guard", "lead_architect", "project_manager"})
PATIENCE = 20.0
"""Seconds that one fake waits for another issue, and one process for its end."""


@dataclass(frozen=True)
class End:
    """What must be the same, however often the process was killed."""

    cards: dict[str, tuple[Any, ...]]
    events: Counter[tuple[str, str]]
    sessions: Counter[tuple[Any, ...]]
    calls: Counter[tuple[Any, ...]]
    pull_requests: dict[str, list[tuple[Any, ...]]]
    deeds: Counter[str]
    main: dict[str, str]
    warehouse: int


class Line:
    """A factory of shipped fakes whose world, kept in files, outlives the process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        settings = Settings(home=home, concurrency=3, model="scripted")
        store = Store.open(settings.store_url)
        self.code = MemoryCode(home / "code.jsonl")
        self.forge = MemoryForge(self.code, home / "forge.jsonl")
        playbook = Playbook.model_validate(yaml.safe_load((HERE / "playbook.yaml").read_text()))
        self.factory = Factory(
            settings=settings,
            store=store,
            code=self.code,
            forge=self.forge,
            workbenches=MemoryWorkbenches(self._run_tests),
            models=Scripted(playbook),
            leases=LeaseKeeper(store, patience=settings.lease_patience),
        )

    def deliver(self) -> None:
        """Import, deliver, drain: all that a process of the line does."""
        with self.factory as factory:
            import_cards(factory.store, [HERE / "cards.yaml"], seats=SEATS)
            deliver_rock(factory, "fire", stop=threading.Event())
            drain(factory.store, self.home / "analytics")

    def _run_tests(self, checkout: Path, _command: Sequence[str]) -> Execution:
        """The project's tests pass unless a file says broken. They wait where the story needs an order."""
        if checkout.name.startswith("test-"):
            self._keep_order(checkout.parent.name)
        broken = [path.name for path in checkout.iterdir() if path.is_file() and "broken" in path.read_text()]
        return ended(1, f"{broken} failed\n1 failed in 0.01s\n") if broken else ended(0, "1 passed in 0.01s\n")

    def _keep_order(self, card_id: str) -> None:
        """Each waits in its tests for what `waits_for` says.

        So `second` conflicts with main, and `fifth` and `fourth` have merged trees that nobody has tested.
        """
        waits_for = {
            "first": lambda: self._has_branch("second") and self._has_branch("fifth"),
            "second": lambda: self._is_merged("first"),
            "fifth": lambda: self._is_merged("second") and self._has_branch("fourth"),
            "fourth": lambda: self._is_merged("fifth"),
        }
        deadline = time.monotonic() + PATIENCE
        while not waits_for.get(card_id, lambda: True)():
            assert time.monotonic() < deadline, f"{card_id} waited in vain"
            time.sleep(0.01)

    def _has_branch(self, card_id: str) -> bool:
        return self.code.head("fire", f"orket/default/{card_id}/1") is not None

    def _is_merged(self, card_id: str) -> bool:
        return "merged" in {state for state, *_ in _pull_requests(self, f"orket/default/{card_id}/1")}


def run(home: Path, failpoint: str = "") -> int:
    """Deliver in a process of its own; the signal that ended it, 0 where it came to its end."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        signal.alarm(int(2 * PATIENCE))
        try:
            arm(failpoint)
            Line(home).deliver()
        except BaseException:  # noqa: BLE001 - nothing of the parent may run on in the child
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0, f"the delivery in {home} failed, see its traceback"
    return 0


def look(home: Path) -> End:
    line = Line(home)
    with line.factory as factory, factory.store.read() as tx:
        cards, events, sessions, effects = tables.cards.c, tables.events.c, tables.sessions.c, tables.effects.c
        stood = tx.execute(sa.select(cards.id, cards.state, cards.wait_reason, cards.attempt))
        happened = tx.execute(sa.select(events.kind, events.subject))
        worked = tx.execute(
            sa.select(sessions.card_id, sessions.role, sessions.purpose, sessions.visit, sessions.state)
        )
        did = tx.execute(sa.select(effects.kind, effects.outcome))
        deeds = [f"forge {entry['call']}" for entry in line.forge.journal]
        deeds += [f"code {entry['call']}" for entry in line.code.journal if entry["call"] == "move_branch"]
        branches = tx.execute(sa.select(tables.attempts.c.branch)).scalars()
        return End(
            cards={row.id: tuple(row)[1:] for row in stood},
            events=Counter((row.kind, row.subject) for row in happened),
            sessions=Counter(tuple(row) for row in worked),
            calls=Counter(tuple(row) for row in did),
            pull_requests={branch: _pull_requests(line, branch) for branch in branches},
            deeds=Counter(deeds),
            main=_files(line, home / "main"),
            warehouse=_rows(home),
        )


def _pull_requests(line: Line, branch: str) -> list[tuple[Any, ...]]:
    """State, author and what reviewers said, of the pull request of a branch."""
    found = line.forge.find_pull_request("fire", head=branch, base=MAIN)
    if found is None:
        return []
    said = [(review.reviewer, review.verdict) for review in line.forge.reviews("fire", found.number)]
    return [(found.state, found.author, *said)]


def _files(line: Line, path: Path) -> dict[str, str]:
    line.code.check_out("fire", line.code.head("fire", MAIN) or "", path)
    return {found.name: found.read_text() for found in path.iterdir() if found.is_file()}


def _rows(home: Path) -> int:
    import duckdb  # after the forks

    with duckdb.connect(str(home / "analytics" / "snapshot.duckdb"), read_only=True) as snapshot:
        return int(snapshot.execute("SELECT count(*) FROM events").fetchall()[0][0])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> End:
    home = tmp_path_factory.mktemp("undisturbed")
    assert run(home) == 0
    return look(home)


def test_the_story_takes_every_turn_of_the_line(undisturbed: End) -> None:
    """Else the kills would prove little."""
    states = {card_id: row[0] for card_id, row in undisturbed.cards.items()}
    assert states == {
        "fire": "in_progress",
        "fire-all": "in_progress",
        "first": "done",
        "second": "done",
        "third": "blocked",
        "third-requirements-1": "blocked",
        "fourth": "done",
        "fifth": "done",
    }
    purposes = {(card, role, purpose) for card, role, purpose, _, _ in undisturbed.sessions}
    assert purposes == {
        ("first", "coder", "work"),
        ("first", "integrity_guard", "review"),
        ("second", "coder", "work"),
        ("second", "coder", "tests_failed"),
        ("second", "coder", "conflict"),
        ("second", "integrity_guard", "review"),
        ("third", "coder", "work"),
        ("third", "coder", "changes_requested"),
        ("third", "integrity_guard", "review"),
        ("third", "lead_architect", "guidance"),
        ("fifth", "coder", "work"),
        ("fifth", "integrity_guard", "review"),
        ("fourth", "coder", "work"),
        ("fourth", "integrity_guard", "review"),
    }
    assert undisturbed.main["shared.txt"] == "first and second\n"
    assert undisturbed.deeds["forge open"] == 5
    assert undisturbed.deeds["forge end"] == 5
    assert undisturbed.warehouse == sum(undisturbed.events.values())


def test_there_are_enough_failpoints() -> None:
    assert len(registered()) >= 40


@pytest.mark.parametrize("failpoint", registered())
def test_a_kill_changes_nothing_in_the_end(failpoint: str, undisturbed: End, tmp_path: Path) -> None:
    assert run(tmp_path, failpoint) == signal.SIGKILL, f"the line never came to {failpoint}"
    assert run(tmp_path) == 0
    end = look(tmp_path)
    assert end == undisturbed
