"""What is said of services that do wrong on a real engine: what a person reads, beside what was done."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orket_pipelines.containers import DockerEngine
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.sandboxes.diagnosing import Finding, explain
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

pytestmark = [pytest.mark.docker, pytest.mark.slow]
# Asked for /end it ends, asked for /flood it prints without end.
SERVER = """
import http.server, os, threading
def flood():
    while True:
        print("x" * 1000, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/end":
            os._exit(3)
        if self.path == "/flood":
            threading.Thread(target=flood, daemon=True).start()
        self.send_response(204)
        self.end_headers()
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
PATIENCE = 30.0


@pytest.fixture
def sandboxes(
    docker_home: Path, workbench_image: str, docker_engine: DockerEngine, installer: Installer
) -> Iterator[DeployedSandboxes]:
    settings = Settings(home=docker_home, workbench_image=workbench_image, sandbox_start_timeout=20)
    store = Store.open(settings.store_url)
    yield open_sandboxes(settings, store, installer, engine=docker_engine)
    store.close()


def deploy(sandboxes: DeployedSandboxes, folder: Path, services: dict[str, list[str]], front: str) -> Sandbox:
    folder.mkdir()
    (folder / "server.py").write_text(SERVER)
    declared = {name: {"kind": "web", "start": start} for name, start in services.items()}
    (folder / "orket.yaml").write_text(json.dumps({"services": declared, "front": front, "routes": {}}))
    return sandboxes.deploy(Deployment("shop", "shop", "c1", folder), stop=threading.Event())


def ask(sandbox: Sandbox, service: str, path: str) -> int | None:
    connection = http.client.HTTPConnection(sandbox.urls[service].removeprefix("http://"), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def findings(sandboxes: DeployedSandboxes, sandbox: Sandbox) -> list[Finding]:
    return explain(sandbox.state, sandbox.note, sandboxes.look(sandbox))


def test_a_storm_of_restarts_and_a_flood_of_words_are_told_apart(sandboxes: DeployedSandboxes, tmp_path: Path) -> None:
    serve = ["python3", "server.py"]
    sandbox = deploy(sandboxes, tmp_path / "code", {"stormy": serve, "loud": serve, "quiet": serve}, "quiet")
    assert (sandbox.state, sandbox.note) == (SandboxState.RUNNING, "")
    for _ in range(2):
        assert ask(sandbox, "stormy", "/end") is None
        until = time.monotonic() + PATIENCE
        while ask(sandbox, "stormy", "/") is None:
            assert time.monotonic() < until
            time.sleep(0.1)
    assert ask(sandbox, "loud", "/flood") == 204

    told = {found.service: found.what for found in findings(sandboxes, sandbox)}
    assert set(told) == {"stormy", "loud"}
    assert told["stormy"] == "it ends and is started again, 2 times so far: a restart storm"
    assert told["loud"].startswith("it floods its log: about ")
    assert sandboxes.watch(sandbox).note == "stormy was restarted 2 times"


def test_a_start_command_that_is_not_there_is_named(sandboxes: DeployedSandboxes, tmp_path: Path) -> None:
    sandbox = deploy(sandboxes, tmp_path / "code", {"api": ["no-such-server", "--port", "{port}"]}, "api")
    assert sandbox.state is SandboxState.FAILED
    [found] = findings(sandboxes, sandbox)
    assert found.what == "api ended with code 127; its start command is not there: no-such-server"
    assert "orket.yaml" in found.advice
