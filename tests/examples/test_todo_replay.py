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
import yaml

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

pytestmark = pytest.mark.slow

TODO = examples_folder() / "todo"
GENERATED = {".git", ".pytest_cache", "__pycache__"}
SIDES = ("todo-create-list", "todo-complete-delete")
BEFORE = ("todo-skeleton", "todo-storage")
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
        told = ""
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
    """Runs commands as they are; the project's tests once for the same files."""

    test_command: tuple[str, ...]
    known: dict[str, Execution] = field(default_factory=dict)

    def tests(self, folder: Path) -> Execution:
        return self.run(folder, self.test_command)

    def run(self, folder: Path, command: Sequence[str]) -> Execution:
        if tuple(command) != self.test_command:
            return execute(folder, command)
        name = fingerprint(folder)
        if name not in self.known:
            self.known[name] = execute(folder, [sys.executable, "-B", *command[1:], "-p", "no:cacheprovider"])
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

    def begin(self, card: str) -> None:
        """Play an issue up to its approval, on a branch from `main` as it is now."""
        git(self.main, "worktree", "add", "-q", "-b", card, str(self.folder(card)))
        self._author(card, "work")
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

    def _author(self, card: str, purpose: str) -> None:
        """Play the author, commit what git does not ignore, and test it in a fresh checkout until it passes."""
        assert self._play(card, "coder", Purpose(purpose)).request is CardState.READY_FOR_TESTING
        git(self.folder(card), "add", "--all")
        git(self.folder(card), "commit", "-q", "-m", f"{card}: {purpose}")
        if not self.machine.tests(self._fresh(card)).succeeded:
            self._author(card, "tests_failed")

    def _review(self, card: str) -> Verdict | None:
        return self._play(card, "integrity_guard", Purpose.REVIEW).verdict

    def _play(self, card: str, role: str, purpose: Purpose) -> Outcome:
        visit = self.visits.get((card, role, purpose), 0) + 1
        self.visits[card, role, purpose] = visit
        scene = self.playbook.scene(card, role, purpose, visit)
        assert scene is not None, f"nobody wrote what {role} does on {card} for {purpose}, visit {visit}"
        bench = MemoryWorkbenches(self.machine.run).open(self.folder(card), name=card)
        desk = Desk(UNASKED, UNASKED, bench, load_settings(home=self.main.with_name("home")), threading.Event())
        command = self.machine.test_command
        session = Session(desk, Assignment(card, 1, role, purpose, visit, "", "todo", command, ""))
        outcome = session.play(scene)
        self.log += [f"{card} {role} {purpose} {visit}: {outcome.request or outcome.verdict}"]
        self.log += [f"denied {denied}" for denied in session.denied]
        return outcome

    def _fresh(self, card: str) -> Path:
        path = self.main.with_name("fresh")
        shutil.rmtree(path, ignore_errors=True)
        git(self.main, "clone", "-q", "--no-hardlinks", "--branch", card, str(self.main), str(path))
        return path


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "core.hooksPath=/dev/null"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=30)


def execute(folder: Path, command: Sequence[str]) -> Execution:
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # our plugins are not the project's, and slow
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=180
    )
    return Execution(done.returncode, done.stdout + done.stderr, truncated=0, seconds=0.0, timed_out=False)


def fingerprint(folder: Path) -> str:
    """The same for folders with the same files, ignored ones included."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not GENERATED.intersection(name.parts):
            found.update(f"{name}\0{path.read_text()}\0".encode())
    return found.hexdigest()


@pytest.fixture(scope="module")
def machine() -> Machine:
    rock = yaml.safe_load((TODO / "cards" / "todo.yaml").read_text())["rock"]
    return Machine(tuple(rock["params"]["test_command"]))


@pytest.fixture
def line(tmp_path: Path, machine: Machine) -> Line:
    main = tmp_path / "main"
    main.mkdir()
    (main / "README.md").write_text("# A to-do list\n")
    git(main, "init", "-q", "-b", "main")
    git(main, "add", "--all")
    git(main, "commit", "-q", "-m", "Begin")
    return Line(main, read_playbook(TODO / "playbook.yaml"), machine)


def test_the_ground_is_laid_past_a_denied_call_and_a_file_that_git_ignored(line: Line) -> None:
    for card in BEFORE:
        line.deliver(card)
    assert line.log == [
        "todo-skeleton coder work 1: ready_for_testing",
        "denied write_file: protected_path",
        "todo-skeleton integrity_guard review 1: approved",
        "todo-storage coder work 1: ready_for_testing",
        "todo-storage coder tests_failed 1: ready_for_testing",
        "todo-storage integrity_guard review 1: approved",
    ]


@pytest.mark.parametrize("first", SIDES)
def test_two_issues_at_the_same_time_conflict_and_both_are_delivered(line: Line, first: str) -> None:
    [second] = set(SIDES) - {first}
    line.deliver("todo-skeleton")
    line.begin("todo-serve")
    line.deliver("todo-storage")
    line.begin(first)
    line.begin(second)
    line.merge(first)
    line.merge("todo-serve")
    line.merge(second)
    line.deliver("todo-filter")
    assert [entry for entry in line.log if "conflict" in entry] == [f"{second} coder conflict 1: ready_for_testing"]
    assert "todo-create-list integrity_guard review 1: changes_requested" in line.log
    assert "denied request_state: arguments" in line.log


@pytest.mark.parametrize("first", SIDES)
def test_one_issue_at_a_time_is_delivered_without_a_conflict(line: Line, first: str) -> None:
    [second] = set(SIDES) - {first}
    for card in (*BEFORE, first, second, "todo-filter"):
        line.deliver(card)
    assert not any("conflict" in entry for entry in line.log)


def test_a_resolved_conflict_holds_what_one_after_the_other_would_have_written(line: Line) -> None:
    for card in (*BEFORE, *SIDES):
        line.deliver(card)
    resolved = TODO / "solution" / "conflict"
    for path in ("todo/api.py", "docs/api.md"):
        assert (resolved / path).read_text() == (line.main / path).read_text()


def test_what_is_delivered_keeps_a_database_and_caches_out_of_git(line: Line) -> None:
    for card in BEFORE:
        line.deliver(card)
    database = line.main / "data" / "todo.db"
    database.parent.mkdir()
    database.touch()
    execute(line.main, [sys.executable, "-c", "import todo.api"])
    assert git(line.main, "status", "--porcelain").stdout == ""
    assert "todo/data/schema.sql" in git(line.main, "ls-files").stdout
