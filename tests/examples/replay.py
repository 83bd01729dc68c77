"""The scripted calls of the example, through the real gate and the real tools, merged by git: what the factory would
deliver, without the factory around it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.gate import Denied, judge_call
from orket_pipelines.agents.model import Assignment, Outcome, Purpose
from orket_pipelines.agents.models.playbook import Playbook, Scene, examples_folder, read_playbook
from orket_pipelines.agents.prompts import denied_text
from orket_pipelines.agents.roles import get_role
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import CardState
from orket_pipelines.forge.model import Verdict
from orket_pipelines.settings import load_settings
from orket_pipelines.workbench.fake import MemoryWorkbenches
from orket_pipelines.workbench.model import Execution

TODO = examples_folder() / "todo"
GENERATED = {".git", ".pytest_cache", "__pycache__", "dist"}
UNASKED: Any = None
"""The store and git, which no tool asks while it runs."""
STATES = {"coder": CardState.IN_PROGRESS, "integrity_guard": CardState.CODE_REVIEW}


@dataclass
class Session:
    """One scene on one folder; `denied` holds the rules that its calls broke."""

    desk: Desk
    assignment: Assignment
    denied: list[str] = field(default_factory=list)

    def play(self, scene: Scene) -> Outcome:
        told = self.assignment.brief
        for turn, move in enumerate(scene.turns, start=1):
            assert move.expect is None or move.expect in told, (
                f"turn {turn} expected {move.expect!r} in: {told[-2000:]}"
            )
            told = ""
            for call in move.calls:
                [(tool, given)] = call.items()
                text, outcome = self._call(tool, given)
                told += f"{text}\n"
                if outcome is not None:
                    assert turn == len(scene.turns), "nothing comes after the call that ends a session"
                    return outcome
        pytest.fail(f"nothing ended the session: {told}")

    def _call(self, tool: str, given: dict[str, Any]) -> tuple[str, Outcome | None]:
        role = get_role(self.assignment.role)
        judged = judge_call(role, STATES[role.name], tool, given)
        if isinstance(judged, Denied):
            self.denied.append(f"{tool}: {judged.rule}")
            return denied_text(judged.rule, judged.reason, judged.fix), None
        result = judged.tool.run(self.desk, self.assignment, judged.arguments)
        assert not result.failed or tool == "run_tests", f"{tool} {given.get('path')}: {result.text}"
        return result.text, result.outcome


@dataclass
class Machine:
    """Runs commands as they are; the project's tests once for the same files, and those of the service once for the
    same service."""

    test_command: tuple[str, ...]
    known: dict[str, Execution] = field(default_factory=dict)
    sound_services: set[str] = field(default_factory=set)

    def tests(self, folder: Path) -> Execution:
        return self.run(folder, self.test_command)

    def run(self, folder: Path, command: Sequence[str]) -> Execution:
        if tuple(command) != self.test_command:
            return execute(folder, command)
        name, service = fingerprint(folder), fingerprint(folder, without="frontend")
        if name not in self.known:
            # Arguments go to pytest, which has nothing to say of a service that passed before.
            shortened = ["--version"] if service in self.sound_services else []
            self.known[name] = execute(folder, [*command, "-p", "no:cacheprovider", *shortened])
        if self.known[name].succeeded:
            self.sound_services.add(service)
        return self.known[name]


@dataclass
class Line:
    """A repository with `main` checked out, and a worktree for each issue begun."""

    main: Path
    playbook: Playbook
    machine: Machine
    visits: dict[tuple[str, str, str], int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def deliver(self, card: str) -> None:
        """Begin an issue and merge it, with nothing in between."""
        self.begin(card)
        self.merge(card)

    def repair(self, card: str, report: str) -> None:
        """Deliver an issue again, whose suite failed with `report` after it was merged."""
        git(self.main, "worktree", "remove", "--force", str(self.folder(card)))
        git(self.main, "branch", "-q", "-D", card)
        self.begin(card, "verification_failed", report)
        self.merge(card)

    def begin(self, card: str, purpose: str = "work", brief: str = "") -> None:
        """Play an issue up to its approval, on a branch from `main` as it is now."""
        git(self.main, "worktree", "add", "-q", "-b", card, str(self.folder(card)))
        self._author(card, purpose, brief)
        while self._review(card) is Verdict.CHANGES_REQUESTED:
            self._author(card, "changes_requested")

    def merge(self, card: str) -> None:
        """Merge an approved issue; a conflict goes to its author and, resolved, to the reviewer."""
        while git(self.main, "merge", "-q", "--no-ff", "-m", f"Merge {card}", card, check=False).returncode:
            git(self.main, "merge", "--abort")
            git(self.folder(card), "merge", "-q", "main", check=False)
            self._author(card, "conflict")
            assert self._review(card) is Verdict.APPROVED
        assert self.machine.tests(self.main).succeeded

    def folder(self, card: str) -> Path:
        return self.main.with_name(card)

    def _author(self, card: str, purpose: str, brief: str = "") -> None:
        """Play the author, commit what git does not ignore, and test it in a fresh checkout until it passes."""
        assert self._play(card, "coder", Purpose(purpose), brief).request is CardState.READY_FOR_TESTING
        git(self.folder(card), "add", "--all")
        git(self.folder(card), "commit", "-q", "-m", f"{card}: {purpose}")
        if not self.machine.tests(self._fresh(card)).succeeded:
            self._author(card, "tests_failed")

    def _review(self, card: str) -> Verdict | None:
        return self._play(card, "integrity_guard", Purpose.REVIEW).verdict

    def _play(self, card: str, role: str, purpose: Purpose, brief: str = "") -> Outcome:
        visit = self.visits.get((card, role, purpose), 0) + 1
        self.visits[card, role, purpose] = visit
        scene = self.playbook.scene(card, role, purpose, visit)
        assert scene is not None, f"nobody wrote what {role} does on {card} for {purpose}, visit {visit}"
        bench = MemoryWorkbenches(self.machine.run).open(self.folder(card), name=card)
        desk = Desk(UNASKED, UNASKED, bench, load_settings(home=self.main.with_name("home")), threading.Event())
        command = self.machine.test_command
        session = Session(desk, Assignment(card, 1, role, purpose, visit, "", "todo", command, brief))
        outcome = session.play(scene)
        self.log += [f"{card} {role} {purpose} {visit}: {outcome.request or outcome.verdict}"]
        self.log += [f"denied {denied}" for denied in session.denied]
        return outcome

    def _fresh(self, card: str) -> Path:
        path = self.main.with_name("fresh")
        shutil.rmtree(path, ignore_errors=True)
        git(self.main, "clone", "-q", "--no-hardlinks", "--branch", card, str(self.main), str(path))
        return path


def new_line(folder: Path, machine: Machine, node_modules: Path | None = None) -> Line:
    """A repository with a README in `folder`, with what npm installed above the checkouts, as in the factory."""
    main = folder / "main"
    main.mkdir(parents=True)
    (main / "README.md").write_text("# A to-do list\n")
    git(main, "init", "-q", "-b", "main")
    git(main, "add", "--all")
    git(main, "commit", "-q", "-m", "Begin")
    if node_modules is not None:
        (folder / "node_modules").symlink_to(node_modules)
    return Line(main, read_playbook(TODO / "playbook.yaml"), machine)


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "core.hooksPath=/dev/null"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=30)


def execute(folder: Path, command: Sequence[str]) -> Execution:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CI": "1",  # npm does not ask for its own updates
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # our plugins are not the project's, and slow
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=180
    )
    return Execution(done.returncode, done.stdout + done.stderr, truncated=0, seconds=0.0, timed_out=False)


def fingerprint(folder: Path, *, without: str = "") -> str:
    """The same for folders with the same files, ignored ones included; but for those in the folder `without`."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not GENERATED.union({without}).intersection(name.parts):
            found.update(f"{name}\0{path.read_text()}\0".encode())
    return found.hexdigest()
