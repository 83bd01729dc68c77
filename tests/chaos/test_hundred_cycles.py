"""A hundred sandboxes made, replaced and removed on a real engine, four at a time: nothing of them is left anywhere."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from orket_pipelines.containers import DockerEngine, installation_id
from orket_pipelines.containers.model import OWNER
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, SandboxState, open_sandboxes
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, tables
from tests.sandboxes.conftest import SERVER, NothingToInstall

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(1800)]
CYCLES, AT_ONCE, REPLACED_EVERY = 100, 4, 10
SPARE_FILES = 16
"""Descriptors that connections in use may add."""


def cycle(sandboxes: DeployedSandboxes, source: Path, number: int) -> None:
    name = f"rock-{number}"
    for commit in ("c1", "c2") if number % REPLACED_EVERY == 0 else ("c1",):
        made = sandboxes.deploy(Deployment(name, name, commit, source), stop=threading.Event())
        assert made.state is SandboxState.RUNNING, made.note
    assert sandboxes.down(made).state is SandboxState.DELETED


def test_nothing_is_left_of_a_hundred_sandboxes(
    docker_home: Path, docker_engine: DockerEngine, workbench_image: str, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "version").write_text("1")
    (source / "server.py").write_text(SERVER)
    start = ["python3", "server.py", "{port}"]
    (source / "orket.yaml").write_text(json.dumps({"services": {"api": {"kind": "web", "start": start}}}))
    settings = Settings(home=docker_home, workbench_image=workbench_image, sandbox_start_timeout=120)
    store = Store.open(settings.store_url)
    sandboxes = open_sandboxes(settings, store, NothingToInstall(), engine=docker_engine)
    # What stays open from the first on is not of each.
    cycle(sandboxes, source, CYCLES)
    opened = len(list(Path("/proc/self/fd").iterdir()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda number: cycle(sandboxes, source, number), range(CYCLES)))

    owned = {OWNER: installation_id(docker_home)}
    assert docker_engine.containers(owned) == []
    assert docker_engine.networks(owned) == []
    assert docker_engine.volumes(owned) == []
    assert list((docker_home / "sandboxes" / "default").iterdir()) == []
    with store.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(tables.allocations)).scalar() == 0
        pending = sa.select(sa.func.count()).select_from(tables.effects).where(tables.effects.c.outcome != "done")
        assert tx.execute(pending).scalar() == 0
    assert len(list(Path("/proc/self/fd").iterdir())) <= opened + SPARE_FILES
    store.close()
