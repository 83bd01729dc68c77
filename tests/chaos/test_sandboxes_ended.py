"""Killed while a person stops a sandbox, or takes it down: the same command again ends it."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.containers import MemoryEngine
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.sandboxes.records import get_sandbox
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events
from orket_pipelines.store.failpoints import arm, registered

ROCK = "fire"
SWEPT = [name for name in registered() if name.startswith(("sandboxes.stop.", "sandboxes.down."))]
Act = Callable[[DeployedSandboxes, Sandbox], Sandbox]


def act_of(failpoint: str) -> Act:
    return DeployedSandboxes.stop if failpoint.startswith("sandboxes.stop.") else DeployedSandboxes.down


def opened(home: Path) -> DeployedSandboxes:
    settings = Settings(home=home)
    engine = MemoryEngine(home, path=home / "engine.jsonl")
    sandboxes = open_sandboxes(settings, Store.open(settings.store_url), MemoryInstaller(), engine=engine)
    return replace(sandboxes, ask=lambda _: 200)


def find(sandboxes: DeployedSandboxes) -> Sandbox:
    with sandboxes.store.read() as tx:
        return get_sandbox(tx, ROCK)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An ORKET_HOME with one sandbox that runs."""
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    (source / "orket.yaml").write_text("services: {api: {kind: web, start: [python, server.py]}}\n")
    sandboxes = opened(home)
    made = sandboxes.deploy(Deployment(ROCK, ROCK, "c1", source), stop=threading.Event())
    assert made.state is SandboxState.RUNNING
    sandboxes.store.close()
    return home


def killed_at(home: Path, failpoint: str) -> int:
    child = os.fork()
    if child == 0:
        try:
            sandboxes = opened(home)
            arm(failpoint)
            act_of(failpoint)(sandboxes, find(sandboxes))
        finally:
            os._exit(0)
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("failpoint", SWEPT)
def test_a_kill_changes_nothing_in_the_end(home: Path, failpoint: str) -> None:
    assert killed_at(home, failpoint) == signal.SIGKILL
    sandboxes = opened(home)
    ended = act_of(failpoint)(sandboxes, find(sandboxes))
    with sandboxes.store.read() as tx:
        states = [event.payload["state"] for event in read_events(tx) if event.kind == "sandbox.changed"]
    assert states == ["deploying", "running", str(ended.state)]
    engine = MemoryEngine(home, path=home / "engine.jsonl")
    if ended.state is SandboxState.STOPPED:
        assert [container.running for container in engine.containers({})] == [False]
    else:
        assert ended.state is SandboxState.REMOVED
        assert (engine.containers({}), engine.networks({}), engine.volumes({})) == ([], [], [])
        assert list((home / "sandboxes" / "default").iterdir()) == []
    sandboxes.store.close()
