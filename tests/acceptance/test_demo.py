"""`orket demo` in an empty home, killed three times: all is delivered once, and everybody tells the same of it.

Once on bare processes, once in containers.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from dagster import AssetKey, DagsterInstance

from orket_pipelines.containers import engine_answers, installation_id, open_engine
from orket_pipelines.containers.model import OWNER
from tests.conftest import E2E_IMAGE, WORKBENCH_IMAGE, Require

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ORKET = (sys.executable, "-c", "from orket_pipelines.cli import main; main()")
ISSUES = (
    *("todo-skeleton", "todo-serve", "todo-storage", "todo-create-list", "todo-complete-delete", "todo-filter"),
    *("page-skeleton", "page-list", "page-add", "page-complete-delete", "page-filter"),
)
ATTEMPTS = len(ISSUES) + 1
"""page-add is merged, fails in a browser, and is merged again."""
KILLS = ("committed", "pull request #2 opened", "suite healthy on the sandbox")
"""What the demo says right before it is killed: the first time, the second, the third."""
PASSED = ("PATH", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
PATIENCE = 600.0
"""Seconds that a demo may take on a busy machine."""


class Home:
    """An empty HOME, and an ORKET_HOME that the demo makes in the folder it is started in."""

    def __init__(self, folder: Path, isolation: str) -> None:
        self.folder = folder
        self.isolation = isolation
        passed = {name: os.environ[name] for name in PASSED if name in os.environ}
        self.environment = passed | {
            "HOME": str(folder),
            "ORKET_ISOLATION": isolation,
            "ORKET_WORKBENCH_IMAGE": WORKBENCH_IMAGE,
            "ORKET_E2E_IMAGE": E2E_IMAGE,
            "PYTHONUNBUFFERED": "1",
        }

    def orket(self, *arguments: str) -> str:
        """What a command prints. The command must succeed."""
        done = subprocess.run(
            [*ORKET, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kill_demo_at(self, words: str) -> None:
        """Start the demo, and kill it with SIGKILL as soon as it says `words`."""
        command = [*ORKET, "demo"]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stdout is not None
            said = next((line for line in demo.stdout if words in line), None)
            demo.send_signal(signal.SIGKILL)
        assert said is not None, f"the demo never said {words!r}"

    def count(self, query: str) -> int:
        """The one number that a query answers with."""
        (row,) = json.loads(self.orket("sql", "--json", query))
        return int(next(iter(row.values())))

    def sandbox(self) -> dict[str, Any]:
        """The one that the demo leaves running."""
        (found,) = json.loads(self.orket("sandboxes", "list", "--json"))
        assert isinstance(found, dict)
        return found


MEANS = [
    # As long again, on a way that the wheel's test and the UI's tests walk too.
    pytest.param("process", marks=pytest.mark.chaos),
    pytest.param("container", marks=pytest.mark.docker),
]


@pytest.fixture(scope="module", params=MEANS)
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, require: Require) -> Iterator[Home]:
    if request.param == "container":
        require("docker", engine_answers(), "no Docker engine answers")
    else:
        missing = [name for name in ("npm", "chromium") if shutil.which(name) is None]
        require("browser", not missing, f"the demo's page needs {' and '.join(missing)}")
    made = Home(tmp_path_factory.mktemp("demo"), request.param)
    try:
        for words in KILLS:
            made.kill_demo_at(words)
            time.sleep(0.5)
        made.orket("demo")
        yield made
    finally:
        made.orket("sandboxes", "down", "--all")


def test_three_kills_leave_every_issue_done_and_every_attempt_merged_once(home: Home) -> None:
    cards = {card["id"]: card["state"] for card in json.loads(home.orket("cards", "list", "--json"))}
    assert cards == dict.fromkeys(("todo", "todo-api", "todo-page", *ISSUES), "done")
    assert home.count("SELECT count(*) FROM pull_requests") == ATTEMPTS
    merged = "SELECT count(*) FROM events WHERE kind = 'pull_request.merged'"
    assert home.count(merged) == ATTEMPTS


def test_no_session_was_held_twice_and_no_call_made_twice(home: Home) -> None:
    twice = "SELECT count(*) FROM (SELECT {0} FROM {1} GROUP BY ALL HAVING count(*) > 1)"
    assert home.count(twice.format("card_id, role, purpose, visit", "session_history")) == 0
    assert home.count(twice.format("session_id, turn, call_id", "tool_calls")) == 0


def test_the_mishaps_of_the_example_happened(home: Home) -> None:
    """Not by luck: a test failed on a fresh checkout, a review asked for changes, a browser found what both had let
    through, a call was denied."""
    happened = "SELECT count(*) FROM events WHERE kind = 'feedback.given' AND payload->>'$.kind' = '{}'"
    assert home.count(happened.format("tests_failed")) == 1
    assert home.count(happened.format("changes_requested")) == 1
    assert home.count(happened.format("verification_failed")) == 1
    assert home.count("SELECT count(*) FROM policy_violations") == 2


def test_the_same_command_says_that_all_is_delivered(home: Home) -> None:
    said = home.orket("demo")
    assert "is delivered already" in said
    assert "11 of 11 done" in said


def test_a_clone_of_what_was_delivered_passes_its_tests(home: Home, tmp_path: Path) -> None:
    repository = home.folder / ".orket" / "repositories" / "default" / "todo.git"
    subprocess.run(["git", "clone", "--quiet", str(repository), str(tmp_path / "todo")], check=True, timeout=60)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path / "todo", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


def test_dagster_tells_the_same(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the terminal did stands in Dagster after one run of the reporting job."""
    monkeypatch.setenv("ORKET_HOME", str(home.folder / ".orket"))
    from definitions import defs

    with DagsterInstance.ephemeral() as instance:
        assert defs.resolve_job_def("report_events").execute_in_process(instance=instance).success
        delivered = instance.get_materialized_partitions(AssetKey("delivered"))
        merged = instance.get_materialized_partitions(AssetKey("pull_requests"))
    assert delivered == merged == set(ISSUES)


def test_the_application_answers_and_a_browser_has_used_it(home: Home) -> None:
    sandbox = home.sandbox()
    assert (sandbox["state"], sandbox["isolation"]) == ("running", home.isolation)
    assert "<title>To-do list</title>" in httpx.get(sandbox["urls"]["frontend"], timeout=30).text
    assert "tasks" in httpx.get(sandbox["urls"]["api"] + "/api/tasks", timeout=30).json()
    pictures = list((home.folder / ".orket" / "artifacts").rglob("page-filter.1.page/*.png"))
    assert len(pictures) >= 5
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_removing_the_sandboxes_leaves_nothing_behind(home: Home) -> None:
    """The last test of this file: it takes away what the others look at."""
    addresses = home.sandbox()["urls"].values()
    home.orket("sandboxes", "down", "--all")
    for address in addresses:
        with pytest.raises(httpx.ConnectError):
            httpx.get(address, timeout=5)
    state = home.folder / ".orket"
    assert [path.name for path in (state / "sandboxes").rglob("source")] == []
    if home.isolation == "container":
        engine, mine = open_engine(state), {OWNER: installation_id(state)}
        assert (engine.containers(mine), engine.networks(mine), engine.volumes(mine)) == ([], [], [])
