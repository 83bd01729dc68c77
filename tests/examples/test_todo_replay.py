"""The scripted calls of the example, applied to plain folders and merged by git: what the factory would deliver.

Without the factory: a small interpreter plays the file tools, and the project's own tests run as they are.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from orket_pipelines.agents.models.playbook import Playbook, Scene, examples_folder, read_playbook
from orket_pipelines.agents.roles import get_role

pytestmark = pytest.mark.slow

TODO = examples_folder() / "todo"
DENIED = "Denied by the rule"
GENERATED = {".git", ".pytest_cache", "__pycache__"}
SIDES = ("todo-create-list", "todo-complete-delete")
BEFORE = ("todo-skeleton", "todo-serve", "todo-storage")

Tests = Callable[[Path], str]


@dataclass
class Session:
    """One scene on one folder, as a role plays it; `ended` is the state or the verdict that it ended with."""

    folder: Path
    role: str
    tests: Tests
    ended: str | None = None
    denied: list[str] = field(default_factory=list)

    def play(self, scene: Scene) -> str:
        told = ""
        for move in scene.turns:
            assert self.ended is None, "a session goes no further than the call that ends it"
            assert move.expect is None or move.expect in told, f"expected {move.expect!r} in: {told[-2000:]}"
            told = "\n".join(self._call(tool, given) for call in move.calls for tool, given in call.items())
        assert self.ended is not None, "every scene ends its session"
        return self.ended

    def _call(self, tool: str, given: dict[str, Any]) -> str:
        if given.get("path", "").startswith(".github"):
            self.denied.append(f"{tool} {given['path']}")
            return DENIED
        result: str = getattr(self, f"_{tool}")(**given)
        return result

    def _read_file(self, path: str) -> str:
        return (self.folder / path).read_text()

    def _write_file(self, path: str, content: str) -> str:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        return f"wrote {path}"

    def _edit_file(self, path: str, old: str, new: str) -> str:
        content = self._read_file(path)
        assert content.count(old) == 1, f"{path} holds {content.count(old)} times: {old}"
        return self._write_file(path, content.replace(old, new))

    def _list_files(self, depth: int = 1) -> str:
        return "\n".join(path.name for path in sorted(self.folder.glob("/".join(["*"] * depth))))

    def _search(self, pattern: str, path: str = ".") -> str:
        files = [file for file in sorted((self.folder / path).rglob("*.py"))]
        return "\n".join(line for file in files for line in file.read_text().splitlines() if re.search(pattern, line))

    def _run_tests(self) -> str:
        return self.tests(self.folder)

    def _comment(self, body: str) -> str:
        return body

    def _request_state(self, state: str, reason: str) -> str:
        assert reason
        if state not in get_role(self.role).states:
            self.denied.append(f"request_state {state}")
            return DENIED
        self.ended = state
        return state

    def _submit_review(self, verdict: str, body: str) -> str:
        assert body
        self.ended = verdict
        return verdict


@dataclass
class Line:
    """A repository with `main` checked out, and a worktree for each issue begun."""

    main: Path
    playbook: Playbook
    tests: Tests
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
        while self._review(card) == "request_changes":
            self._author(card, "changes_requested")

    def merge(self, card: str) -> None:
        """Merge an approved issue; a conflict goes to its author and, resolved, to the reviewer."""
        while git(self.main, "merge", "-q", "--no-ff", "-m", f"Merge {card}", card, check=False).returncode:
            git(self.main, "merge", "--abort")
            git(self.folder(card), "merge", "-q", "main", check=False)
            self._author(card, "conflict")
            assert self._review(card) == "approve"
        assert succeeded(self.tests(self.main))

    def folder(self, card: str) -> Path:
        return self.main.with_name(card)

    def files(self) -> dict[str, str]:
        names = git(self.main, "ls-files").stdout.split()
        return {name: (self.main / name).read_text() for name in names}

    def _author(self, card: str, purpose: str) -> None:
        """Play the author, commit what git does not ignore, and test it in a fresh checkout until it passes."""
        assert self._play(card, "coder", purpose) == "ready_for_testing"
        git(self.folder(card), "add", "--all")
        git(self.folder(card), "commit", "-q", "-m", f"{card}: {purpose}")
        if not succeeded(self.tests(self._fresh(card))):
            self._author(card, "tests_failed")

    def _review(self, card: str) -> str:
        return self._play(card, "integrity_guard", "review")

    def _play(self, card: str, role: str, purpose: str) -> str:
        visit = self.visits.get((card, role, purpose), 0) + 1
        self.visits[card, role, purpose] = visit
        scene = self.playbook.scene(card, role, purpose, visit)
        assert scene is not None, f"nobody wrote what {role} does on {card} for {purpose}"
        session = Session(self.folder(card), role, self.tests)
        ended = session.play(scene)
        self.log += [f"{card} {role} {purpose} {visit}: {ended}", *(f"denied: {what}" for what in session.denied)]
        return ended

    def _fresh(self, card: str) -> Path:
        path = self.main.with_name("fresh")
        shutil.rmtree(path, ignore_errors=True)
        git(self.main, "clone", "-q", "--no-hardlinks", "--branch", card, str(self.main), str(path))
        return path


def git(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "core.hooksPath=/dev/null"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=check, capture_output=True, text=True, timeout=30)


def succeeded(output: str) -> bool:
    return re.search(r"^\d+ passed in ", output, re.MULTILINE) is not None


@pytest.fixture(scope="module")
def project_tests() -> Tests:
    """Runs the project's tests as the card says, once for the same files."""
    rock = yaml.safe_load((TODO / "cards" / "todo.yaml").read_text())["rock"]
    _, *arguments = rock["params"]["test_command"]
    known: dict[str, str] = {}

    def run(folder: Path) -> str:
        name = fingerprint(folder)
        if name not in known:
            command = [sys.executable, "-B", *arguments, "-p", "no:cacheprovider"]
            done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=60)
            known[name] = done.stdout + done.stderr
        return known[name]

    return run


def fingerprint(folder: Path) -> str:
    """The same for folders with the same files, ignored ones included."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not GENERATED.intersection(name.parts):
            found.update(f"{name}\0{path.read_text()}\0".encode())
    return found.hexdigest()


@pytest.fixture
def line(tmp_path: Path, project_tests: Tests) -> Line:
    main = tmp_path / "main"
    main.mkdir()
    (main / "README.md").write_text("# A to-do list\n")
    git(main, "init", "-q", "-b", "main")
    git(main, "add", "--all")
    git(main, "commit", "-q", "-m", "Begin")
    return Line(main, read_playbook(TODO / "playbook.yaml"), project_tests)


def test_the_ground_is_laid_past_a_denied_call_and_a_file_that_git_ignored(line: Line) -> None:
    for card in BEFORE:
        line.deliver(card)
    assert line.log == [
        "todo-skeleton coder work 1: ready_for_testing",
        "denied: write_file .github/workflows/test.yml",
        "todo-skeleton integrity_guard review 1: approve",
        "todo-serve coder work 1: ready_for_testing",
        "todo-serve integrity_guard review 1: approve",
        "todo-storage coder work 1: ready_for_testing",
        "todo-storage coder tests_failed 1: ready_for_testing",
        "todo-storage integrity_guard review 1: approve",
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
    assert "todo-create-list integrity_guard review 1: request_changes" in line.log
    assert "denied: request_state done" in line.log


@pytest.mark.parametrize("first", SIDES)
def test_one_issue_at_a_time_is_delivered_without_a_conflict(line: Line, first: str) -> None:
    [second] = set(SIDES) - {first}
    for card in (*BEFORE, first, second):
        line.deliver(card)
    written = line.files()
    resolved = {name: (TODO / "solution" / "conflict" / name).read_text() for name in ("todo/api.py", "docs/api.md")}
    assert (first != SIDES[0]) or {name: written[name] for name in resolved} == resolved
    line.deliver("todo-filter")
    assert not any("conflict" in entry for entry in line.log)


def test_what_is_delivered_keeps_a_database_and_caches_out_of_git(line: Line) -> None:
    for card in BEFORE:
        line.deliver(card)
    (line.main / "data").mkdir()
    (line.main / "data" / "todo.db").touch()
    line.tests(line.main)
    assert git(line.main, "status", "--porcelain").stdout == ""
    assert "todo/data/schema.sql" in line.files()
