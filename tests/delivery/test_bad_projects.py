"""A gallery of bad projects: each ends in the right verdict, with a message that names the cause.

They go the whole way of the line, on real processes where something has to run. Pages that a browser has to see are in
tests/verification/test_shipped_suites.py; the container that a suite runs in is tried at the end.
"""

import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.containers import DockerEngine, installation_id
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.model import ContainerPurpose, Labels, NetworkSpec
from orket_pipelines.delivery import Factory, deliver_rock
from orket_pipelines.delivery.model import FeedbackKind
from orket_pipelines.delivery.records import feedback_of
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.sandboxes import open_sandboxes
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from orket_pipelines.verification import Suite, SuiteKind, Target
from orket_pipelines.verification.browser_runs import lay_out
from orket_pipelines.verification.container_browsers import BrowserRun
from orket_pipelines.verification.fake import MemoryBrowsers
from orket_pipelines.verification.process_browsers import ProcessBrowsers
from orket_pipelines.workbench import MemoryWorkbenches, ProcessWorkbenches
from orket_pipelines.workbench.fake import ended

from .conftest import APPROVE, READY, Line, scene, write

pytestmark = pytest.mark.slow

MANIFEST = """
services:
  shop: {kind: web, start: [python, shop.py, "{port}"], port: 8000, health: /health}
"""
SERVICE = """
import http.server, sys

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/api/tasks":
            print("KeyError: 'tasks'", file=sys.stderr, flush=True)
        self.send_response(500 if self.path == "/api/tasks" else 200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
"""
FAKED = """
import os
ONE = "<testsuite><testcase name='everything'/></testsuite>"
open(".orket-tests", "w").write(ONE)
print("1 passed in 0.01s", flush=True)
os._exit(0)
"""
TEST = "def test_a(): assert 0\n"
CHECKS = json.dumps({"checks": [{"name": "tasks", "request": {"path": "/api/tasks"}, "expect": {"status": 200}}]})
API = {"name": "api", "kind": "http", "file": "api.json", "source": CHECKS, "digest": "d"}


class Gallery:
    """A line whose sandboxes are real processes; `said` is what the author got back."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.sandboxes = open_sandboxes(line.settings, line.store, MemoryInstaller(), engine=None)
        self.workbenches: Any = None
        self.browsers: Any = MemoryBrowsers()
        self.suite = API

    def deliver(self, files: dict[str, str], **params: Any) -> tuple[Card, str]:
        """The card as it ends, and what was found of its commit."""
        rock = Card("shop", CardKind.ROCK, "Shop", rock_id="shop", details={"suites": [self.suite], "params": params})
        epic = Card("shop-epic", CardKind.EPIC, "Epic", parent_id="shop", rock_id="shop")
        verified = {"verified_by": [self.suite["name"]]}
        one = Card("one", CardKind.ISSUE, "one", parent_id="shop-epic", rock_id="shop", details=verified)
        with self.line.store.write() as tx:
            insert_cards(tx, [rock, epic, one])
        calls = [write(name, text) for name, text in files.items()]
        coder, guard = [scene("work", *calls, READY)], [scene("review", APPROVE)]
        self.line.scripts = {"one": {"coder": coder, "integrity_guard": guard}}
        deliver_rock(self._factory(), "shop", stop=threading.Event())
        with self.line.store.read() as tx:
            kinds = {FeedbackKind.TESTS_FAILED, FeedbackKind.VERIFICATION_FAILED}
            found = [each.body for each in feedback_of(tx, "one") if each.kind in kinds]
            return get_card(tx, "one"), "\n".join(found)

    def close(self) -> None:
        with self.line.store.read() as tx:
            left = sandbox_of_rock(tx, "shop")
        if left is not None:
            self.sandboxes.down(left)

    def _factory(self) -> Factory:
        factory = replace(self.line.factory, stage=Stage(self.sandboxes, self.browsers))
        return replace(factory, workbenches=self.workbenches or factory.workbenches)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    """On a clock that nobody moves, for processes take their time."""
    store = Store.open(f"sqlite:///{tmp_path / 'orket.db'}")
    line = Line(store, tmp_path / "home", sandbox_start_timeout=3.0)
    # The first failure is the last.
    line.settings = line.settings.model_copy(update={"rework_limit": 0, "rerun_failed_suites": False})
    found = Gallery(line)
    yield found
    found.close()
    line.leases.close()
    store.close()


def test_a_service_that_hangs_on_start_is_sent_back_as_not_deployed(gallery: Gallery) -> None:
    card, said = gallery.deliver({"orket.yaml": MANIFEST, "shop.py": "import time\ntime.sleep(600)\n"})
    assert card.state is CardState.BLOCKED
    assert "was merged and could not be deployed" in said
    assert "shop" in said
    assert "3 s" in said


def test_a_path_that_answers_500_is_sent_back_with_what_the_service_said(gallery: Gallery) -> None:
    card, said = gallery.deliver({"orket.yaml": MANIFEST, "shop.py": SERVICE})
    assert card.state is CardState.BLOCKED
    assert "tasks: failed" in said
    assert "expected status 200, got 500" in said
    assert "Service shop of the sandbox said:\nKeyError: 'tasks'" in said


@pytest.mark.parametrize("said", ["", "no tests ran in 0.01s\n", "0 passed\n"])
def test_tests_that_end_well_and_are_none_are_sent_back(gallery: Gallery, said: str) -> None:
    gallery.workbenches = MemoryWorkbenches(lambda _checkout, _command: ended(0, said))
    card, told = gallery.deliver({"work.txt": "done\n"}, test_command=["check"])
    assert card.state is CardState.BLOCKED
    assert "check ended with exit code 0, but says of no test that it passed: nothing is proven" in told


def test_a_report_that_the_project_fakes_proves_nothing_to_the_gate(gallery: Gallery) -> None:
    """Its own tests pass, as they say; what the rock declares is tried from outside."""
    benches = ProcessWorkbenches()
    gallery.workbenches = benches
    files = {"orket.yaml": MANIFEST, "shop.py": SERVICE, "conftest.py": FAKED, "test_shop.py": TEST}
    files["pytest.ini"] = "[pytest]\naddopts = -s\n"
    card, said = gallery.deliver(files)
    benches.close()
    assert card.state is CardState.BLOCKED
    assert said.startswith("Suite api failed on commit ")
    assert "expected status 200, got 500" in said


def test_a_report_without_a_word_of_it_in_the_output_is_not_believed(gallery: Gallery) -> None:
    benches = ProcessWorkbenches()
    gallery.workbenches = benches
    silent = FAKED.replace('print("1 passed in 0.01s", flush=True)\n', "")
    _, said = gallery.deliver({"conftest.py": silent, "test_shop.py": TEST})
    benches.close()
    assert "pytest's report has 1 cases that passed, and its output tells of none" in said


def test_a_project_that_brings_its_own_idea_of_a_suite_is_tried_with_the_rock_s(gallery: Gallery) -> None:
    """What the rock declares was taken in with its cards; a file of that name in the repository is read by nobody."""
    lax = CHECKS.replace("200", "500")
    files = {"orket.yaml": MANIFEST, "shop.py": SERVICE, "api.json": lax, "suites/api.json": lax}
    card, said = gallery.deliver(files)
    assert card.state is CardState.BLOCKED
    assert "expected status 200, got 500" in said


FAILING = """
import urllib.request

def test_page(base_url):
    with urllib.request.urlopen(base_url + "/") as answer:
        assert answer.read() == b"a page"
"""
ENDS_EARLY = """
import os, pathlib

def test_page():
    pathlib.Path(os.environ["E2E_ARTIFACTS"], "junit.xml").write_text(
        "<?xml version='1.0'?><testsuite><testcase classname='page' name='test_page'/></testsuite>")
    os.write(1, b"1 passed in 0.01s\\n")
    os._exit(0)
"""
REWRITES = """
import atexit, os, pathlib

def rewrite():
    report = pathlib.Path(os.environ["E2E_ARTIFACTS"], "junit.xml")
    report.write_text("<?xml version='1.0'?><testsuite><testcase classname='page' name='test_page'/></testsuite>")
    os._exit(0)

def test_page():
    atexit.register(rewrite)
    assert 0
"""
CHANGES_SUITES = """
import pathlib

def change():
    for home in pathlib.Path(__file__).parents:
        for suite in home.glob("verification/*/suite/page.py"):
            suite.write_text("def test_page(): ...")
"""
PLUGIN = """
def pytest_configure(): raise SystemExit(0)
"""


@pytest.fixture
def e2e(gallery: Gallery) -> Iterator[Gallery]:
    """With suites of pytest on real processes. They open no page, so that they need no browser."""
    gallery.browsers = ProcessBrowsers(gallery.line.settings.model_copy(update={"browser": Path(sys.executable)}))
    yield gallery
    gallery.browsers.close()


def page_suite(source: str) -> dict[str, str]:
    return {"name": "page", "kind": "e2e", "file": "test_page.py", "source": source, "digest": "d"}


@pytest.mark.parametrize(
    ("suite", "why"),
    [
        (
            ENDS_EARLY,
            "pytest never came to its own end (the process ended with exit code 0), so that its report proves",
        ),
        (REWRITES, "pytest ended with exit code 1 and the process with 0: something else ended it"),
    ],
)
def test_a_suite_that_fakes_its_junit_proves_nothing(e2e: Gallery, suite: str, why: str) -> None:
    e2e.suite = page_suite(suite)
    card, said = e2e.deliver({"orket.yaml": MANIFEST, "shop.py": SERVICE})
    assert card.state is CardState.BLOCKED
    assert f"page: error after 0.0 s\n{why}" in said


def test_a_project_that_edits_the_suite_it_is_tried_with_is_found_out(e2e: Gallery) -> None:
    """Where both are processes of one user nothing keeps it from that; in containers it cannot (see the end)."""
    e2e.suite = page_suite(FAILING)
    service = CHANGES_SUITES + SERVICE.replace("def do_GET(self):", "def do_GET(self):\n        change()")
    card, said = e2e.deliver({"orket.yaml": MANIFEST, "shop.py": service})
    assert card.state is CardState.BLOCKED
    assert "page.py was changed while the suite ran, so that its report proves nothing" in said


def test_plugins_that_a_project_brings_are_loaded_into_no_suite(e2e: Gallery) -> None:
    e2e.suite = page_suite(FAILING)
    names = ("conftest.py", "sitecustomize.py", "orket_seal.py", "orket_e2e.py", "playwright.py")
    files = {"orket.yaml": MANIFEST, "shop.py": SERVICE, "pytest.ini": "[pytest]\naddopts = --collect-only\n"}
    card, said = e2e.deliver(files | dict.fromkeys(names, PLUGIN))
    assert card.state is CardState.BLOCKED
    assert "AssertionError: assert b'{}' == b'a page'" in said


TRIES = """
import socket
for name in ("/suite/page.py", "/suite/orket_e2e.py", "/suite/more.py"):
    try:
        open(name, "w")
    except OSError as error:
        print(name, error.strerror)
try:
    socket.create_connection(("1.1.1.1", 53), timeout=3)
    print("reached")
except OSError as error:
    print("network", type(error).__name__)
try:
    print(socket.gethostbyname("example.com"))
except OSError:
    print("no name")
"""


@pytest.mark.docker
def test_a_suite_changes_no_file_of_its_own_and_reaches_no_network_but_the_sandbox_s(
    docker_engine: DockerEngine, docker_home: Path, workbench_image: str
) -> None:
    """The container that end-to-end suites get, with another program in it."""
    labels = Labels(installation_id(docker_home), "default", "-", ContainerPurpose.BROWSER)
    network = docker_engine.create_network(NetworkSpec("orket-gallery-test", replace(labels, subject="sandbox-1")))
    suite = Suite("page", SuiteKind.E2E, "def test_page(page): ...\n")
    target = Target("sandbox-1", "web", {}, network=network.name, inside_urls={"web": "http://web:8000"})
    bench = lay_out(docker_home, docker_home / "run", suite)
    made = Environment("key", (), (), ())
    spec = BrowserRun(suite, target, bench, made).spec(Settings(home=docker_home, e2e_image=workbench_image), labels)
    assert spec.user == command_user()
    container = docker_engine.start(replace(spec, command=("python3", "-c", TRIES)))
    assert docker_engine.wait(container.id, should_stop=lambda: False) == 0
    said = docker_engine.logs(container.id).splitlines()
    assert said[:3] == [
        "/suite/page.py Read-only file system",
        "/suite/orket_e2e.py Read-only file system",
        "/suite/more.py Read-only file system",
    ]
    assert said[3].startswith("network ")
    assert said[4] == "no name"
