"""Killed while a person stops a sandbox, or takes it down, or a deployment fails: the same again ends it."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.containers import ContainerSpec, MemoryEngine
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.sandboxes.records import get_sandbox
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events
from orket_pipelines.store.failpoints import registered
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

ROCK = "fire"
SWEPT = [name for name in registered() if name.startswith(("sandboxes.stop.", "sandboxes.down."))]
Program = Callable[[ContainerSpec, Sequence[str]], tuple[int | None, str]]
Act = Callable[[DeployedSandboxes, Sandbox], Sandbox]


def act_of(failpoint: str) -> Act:
    return DeployedSandboxes.stop if failpoint.startswith("sandboxes.stop.") else DeployedSandboxes.down


def opened(home: Path, program: Program = lambda _spec, _command: (None, "")) -> DeployedSandboxes:
    settings = Settings(home=home, sandbox_beside="always")
    engine = MemoryEngine(home, program, path=home / "engine.jsonl")
    sandboxes = open_sandboxes(settings, Store.open(settings.store_url), MemoryInstaller(), engine=engine)
    return replace(sandboxes, ask=lambda _: 200)


def find(sandboxes: DeployedSandboxes) -> Sandbox:
    with sandboxes.store.read() as tx:
        return get_sandbox(tx, ROCK)


def deploy(sandboxes: DeployedSandboxes, home: Path, commit: str = "c1") -> Sandbox:
    return sandboxes.deploy(Deployment(ROCK, ROCK, commit, home.parent / "source"), stop=threading.Event())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An ORKET_HOME with one sandbox that runs."""
    source, home = tmp_path / "source", tmp_path / "home"
    source.mkdir()
    (source / "orket.yaml").write_text("services: {api: {kind: web, start: [python, server.py]}}\n")
    sandboxes = opened(home)
    made = deploy(sandboxes, home)
    assert made.state is SandboxState.RUNNING
    sandboxes.store.close()
    return home


@pytest.mark.parametrize("failpoint", SWEPT)
def test_a_kill_changes_nothing_in_the_end(home: Path, failpoint: str) -> None:
    def act() -> None:
        sandboxes = opened(home)
        act_of(failpoint)(sandboxes, find(sandboxes))

    assert do_and_die(act, failpoint) == failpoint
    sandboxes = opened(home)
    ended = act_of(failpoint)(sandboxes, find(sandboxes))
    with sandboxes.store.read() as tx:
        states = [event.payload["state"] for event in read_events(tx) if event.kind == "sandbox.changed"]
    assert states == ["creating", "running", "stopping", str(ended.state)]
    engine = MemoryEngine(home, path=home / "engine.jsonl")
    if ended.state is SandboxState.STOPPED:
        assert [container.running for container in engine.containers({})] == [False, False]
    else:
        assert ended.state is SandboxState.DELETED
        assert (engine.containers({}), engine.networks({}), engine.volumes({})) == ([], [], [])
        assert list((home / "sandboxes" / "default").iterdir()) == []
    sandboxes.store.close()


def test_a_kill_after_a_deployment_that_failed_was_cleared_leaves_what_served(home: Path) -> None:
    def fail() -> Sandbox:
        broken = opened(home, lambda _spec, _command: (1, "no such module"))
        return deploy(replace(broken, ask=lambda _: None), home, "c2")

    assert do_and_die(fail, "sandboxes.failed_cleared") == "sandboxes.failed_cleared"
    failed = fail()
    assert (failed.state, failed.generation) == (SandboxState.FAILED, 2)
    assert failed.serving == {"commit": "c1", "generation": 1, "note": ""}
    left = [each.name.split("-", 2)[2] for each in MemoryEngine(home, path=home / "engine.jsonl").containers({})]
    assert sorted(left) == ["1-api", "forwarder"]
