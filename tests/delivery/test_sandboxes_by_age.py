"""Sandboxes whose time is over, on an engine in memory: the upkeep removes them, but none that is in use."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.bugs.model import Phase, PhaseState
from orket_pipelines.bugs.records import insert_phase
from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import MemoryEngine
from orket_pipelines.containers.model import SUBJECT
from orket_pipelines.delivery import Factory
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.delivery.upkeep import look_after
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, lease_name, open_sandboxes
from orket_pipelines.sandboxes.records import get_sandbox
from orket_pipelines.store import LeaseKeeper
from orket_pipelines.verification.fake import MemoryBrowsers

pytestmark = pytest.mark.slow
WEEK = 7 * 86_400.0


class World:
    """Three sandboxes, all of which are a week old."""

    def __init__(self, line: Any, tmp_path: Path, clock: FakeClock) -> None:
        self.line = line
        self.engine = MemoryEngine(line.settings.home, clock=clock)
        opened = open_sandboxes(line.settings, line.store, MemoryInstaller(), engine=self.engine)
        self.sandboxes: DeployedSandboxes = replace(opened, ask=lambda _: 200)
        self.source = tmp_path / "source"
        self.source.mkdir()
        (self.source / "orket.yaml").write_text("services: {api: {kind: web, start: [python, server.py]}}\n")
        self.made = {name: self.deploy(name) for name in ("old", "busy", "rock")}
        clock.advance(WEEK)

    @property
    def factory(self) -> Factory:
        factory: Factory = self.line.factory
        return replace(factory, stage=Stage(self.sandboxes, MemoryBrowsers()), engine=self.engine)

    def deploy(self, name: str, commit: str = "c1") -> Sandbox:
        return self.sandboxes.deploy(Deployment(name, name, commit, self.source), stop=threading.Event())

    def running(self) -> set[str]:
        """Whose services run."""
        names = {each.id: name for name, each in self.made.items()}
        return {names[each.labels[SUBJECT]] for each in self.engine.containers({}) if each.running}

    def state(self, name: str) -> SandboxState:
        with self.line.store.read() as tx:
            return get_sandbox(tx, name).state


@pytest.fixture
def world(line: Any, tmp_path: Path, clock: FakeClock) -> World:
    return World(line, tmp_path, clock)


@pytest.fixture
def busy(world: World) -> Iterator[None]:
    """Somebody verifies on it."""
    keeper = LeaseKeeper(world.line.store)
    with keeper.holding(lease_name("busy"), stop=threading.Event()):
        yield
    keeper.close()


@pytest.mark.usefixtures("busy")
def test_a_sandbox_whose_time_is_up_goes_and_one_in_use_stays_as_it_is(world: World) -> None:
    with world.line.store.write() as tx:
        moment = world.line.store.clock.moment()
        insert_phase(tx, Phase("rock", PhaseState.ACTIVE, 1, 0, moment, started_at=tx.now))
    looked = look_after(world.factory)

    assert [each.rock_id for each in looked.expired] == ["old"]
    assert looked.reaped.containers == ()
    assert world.running() == {"busy", "rock"}
    assert [world.state(name) for name in world.made] == [
        SandboxState.DELETED,
        SandboxState.RUNNING,
        SandboxState.RUNNING,
    ]
    assert len(world.engine.networks({})) == 3, "a sealed one of each, and the front"


def test_a_deployment_begins_the_time_anew(world: World) -> None:
    world.deploy("busy", "c2")
    assert {each.rock_id for each in look_after(world.factory).expired} == {"old", "rock"}
    assert world.running() == {"busy"}
