"""The page of the example, delivered after its service, as the factory would.

Two replays of all of it take their time, and the real demo in tests/acceptance walks the same way: make test-chaos.
"""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards.model import Card
from orket_pipelines.delivery.briefs import FEEDBACK_LIMIT
from orket_pipelines.sandboxes import gateway
from orket_pipelines.sandboxes.probing import ask
from orket_pipelines.settings import load_settings
from orket_pipelines.verification import SuiteReport, Target, rock_suites
from orket_pipelines.verification.process_browsers import ProcessBrowsers
from orket_pipelines.verification.running import run_suite
from orket_pipelines.verification.suites import declared_suites
from tests.conftest import Require
from tests.examples.replay import Line, Machine, execute, git, new_line

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.timeout(900)]

SERVICE = ("todo-skeleton", "todo-storage", "todo-create-list", "todo-complete-delete", "todo-filter")
PAIRS = (("todo-serve", "page-skeleton"), ("page-add", "page-complete-delete"))
"""Issues that may be worked on at the same time, and merged in either order."""
REPORT = "Actual value: completed: Extra inputs are not permitted"
"""Of what the browser reports, as the test in a browser below sees to."""
Trial = Callable[[str, Target], SuiteReport]
"""Runs the suite of this name."""
PATIENCE = 30.0
"""Seconds until what was started must answer."""


def deliver(line: Line, serve_and_skeleton: Sequence[str], add_and_delete: Sequence[str]) -> None:
    """Deliver everything, the pairs in these orders."""
    for card in SERVICE:
        line.deliver(card)
    together(line, serve_and_skeleton)
    line.deliver("page-list")
    together(line, add_and_delete)
    line.repair("page-add", REPORT)
    line.deliver("page-filter")


def together(line: Line, cards: Sequence[str]) -> None:
    for card in cards:
        line.begin(card)
    for card in cards:
        line.merge(card)


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, machine: Machine, node_modules: Path) -> Line:
    line = new_line(tmp_path_factory.mktemp("page"), machine, node_modules)
    deliver(line, *PAIRS)
    return line


def test_an_issue_that_passed_tests_and_review_is_repaired_after_its_suite_failed(delivered: Line) -> None:
    assert [entry for entry in delivered.log if entry.startswith("page-add")] == [
        "page-add coder work 1: ready_for_testing",
        "page-add integrity_guard review 1: approved",
        "page-add coder verification_failed 1: ready_for_testing",
        "page-add integrity_guard review 2: approved",
    ]


@pytest.mark.chaos
def test_the_page_meets_no_conflict_and_the_same_comes_of_either_order(
    delivered: Line, machine: Machine, node_modules: Path, tmp_path: Path
) -> None:
    line = new_line(tmp_path, machine, node_modules)
    deliver(line, *(tuple(reversed(pair)) for pair in PAIRS))
    assert not any("conflict" in entry for entry in [*line.log, *delivered.log])
    assert tree(line) == tree(delivered)


def test_tests_and_build_write_nothing_beside_the_modules_and_nothing_into_git(
    delivered: Line, node_modules: Path
) -> None:
    before = sorted(node_modules.rglob("*"))
    for arguments in (("test",), ("run", "build")):
        assert execute(delivered.main, ["npm", "--prefix", "frontend", *arguments]).succeeded
    assert sorted(node_modules.rglob("*")) == before
    assert git(delivered.main, "status", "--porcelain").stdout == ""


def test_a_test_of_the_page_that_fails_fails_the_whole(delivered: Line, machine: Machine, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    git(delivered.main, "clone", "-q", str(delivered.main), str(checkout))
    (checkout / "frontend" / "src" / "api" / "addTask.js").write_text("export function addTask() {}\n")
    told = machine.tests(checkout)
    assert not told.succeeded
    assert "a new task is sent, and comes back with its id" in told.output


# In a browser, and not marked so: those tests run in a process of their own, which would deliver all of this again.


def test_what_passed_tests_and_review_fails_in_a_browser(delivered: Line, trial: Trial, folder: Path) -> None:
    [merged, _repaired] = git(
        delivered.main, "log", "--reverse", "--format=%H", "--grep=^Merge page-add$"
    ).stdout.split()
    with served(delivered, merged, folder) as target:
        report = trial("page-add", target)
        assert not report.passed
        assert report.counts == {"failed": 2, "passed": 1}
        assert REPORT in report.log[-FEEDBACK_LIMIT:]
        assert trial("healthy", target).passed


def test_what_is_delivered_passes_every_suite(delivered: Line, trial: Trial, folder: Path) -> None:
    with served(delivered, "main", folder) as target:
        for name in ("healthy", "api", "page-add", "page"):
            report = trial(name, target)
            assert report.passed, report.log


@pytest.fixture
def folder(tmp_path: Path, node_modules: Path) -> Path:
    """Where checkouts find what npm installed."""
    (tmp_path / "node_modules").symlink_to(node_modules)
    return tmp_path


@pytest.fixture
def trial(cards: dict[str, Card], tmp_path: Path, require: Require) -> Iterator[Trial]:
    """Runs a suite of the rock as delivery does where there are no containers."""
    browsers = ProcessBrowsers(load_settings(home=tmp_path / "home"))
    require("browser", not browsers.preflight(), "; ".join(browsers.preflight()))
    suites = {suite.name: suite for suite in rock_suites(cards["todo"], serves=True)} | declared_suites(cards["todo"])

    def run(name: str, target: Target) -> SuiteReport:
        limits: dict[str, Any] = {"deadline": 120.0, "stop": threading.Event()}
        return run_suite(suites[name], target, browsers=browsers, folder=tmp_path / "artifacts" / name, **limits)

    yield run
    browsers.close()


@contextlib.contextmanager
def served(line: Line, revision: str, folder: Path) -> Iterator[Target]:
    """A commit's service and its built page, behind the gateway of the sandboxes."""
    checkout = folder / "checkout"
    git(line.main, "clone", "-q", str(line.main), str(checkout))
    git(checkout, "checkout", "-q", revision)
    assert execute(checkout, ["npm", "--prefix", "frontend", "run", "build"]).succeeded
    service, front = free_port(), free_port()
    urls = {"service": f"http://127.0.0.1:{service}", "page": f"http://127.0.0.1:{front}"}
    uvicorn = ["-m", "uvicorn", "--factory", "todo.api:create_app", f"--port={service}"]
    page = [gateway.__file__, "--root=frontend/dist", f"--route=/api={urls['service']}", f"--port={front}"]
    with contextlib.ExitStack() as running:
        for arguments in (uvicorn, page):
            process = running.enter_context(subprocess.Popen([sys.executable, *arguments], cwd=checkout))
            running.callback(process.terminate)
        until = time.monotonic() + PATIENCE
        while ask(f"{urls['page']}/api/health") != 200:
            assert time.monotonic() < until, "what was started does not answer"
            time.sleep(0.05)
        yield Target("todo", "page", urls)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def tree(line: Line) -> str:
    return git(line.main, "rev-parse", "main^{tree}").stdout
