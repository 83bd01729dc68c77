"""A FastAPI and a page of files, deployed for what benches measure on it."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orket_pipelines.containers import Engine, Labels, engine_answers, open_engine
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.model import OWNER
from orket_pipelines.delivery.isolation import worker_labels
from orket_pipelines.dependencies import ContainerInstaller
from orket_pipelines.dependencies.volumes import Volumes
from orket_pipelines.errors import OrketError
from orket_pipelines.sandboxes import (
    DeployedSandboxes,
    Deployment,
    Sandbox,
    Sandboxes,
    SandboxState,
    open_sandboxes,
)
from orket_pipelines.settings import Settings, application_folder
from orket_pipelines.store import LeaseKeeper, Store

PAIR = ("todo-skeleton", "page-skeleton")
"""What the example's first issues leave: a FastAPI with a health path, and a React page that Vite builds."""


def demand_docker(what: str, image: str) -> None:
    """Raises: OrketError where there is no engine, no image, or no `docker` program to be the floor."""
    if not engine_answers():
        raise OrketError(
            f"{what} cannot be measured: no container engine answers", next_step="Start one, then see: docker info"
        )
    if shutil.which("docker") is None:
        raise OrketError(
            f"{what} cannot be measured: its floor is `docker run`, and there is no program docker",
            next_step="Install Docker's command line, then run it again.",
        )
    if open_engine(Path()).find_image(image) is None:
        raise OrketError(
            f"{what} cannot be measured: there is no image {image}", next_step="Build it: orket images build"
        )


@contextmanager
def opened_sandboxes(home: Path, found: Settings) -> Iterator[DeployedSandboxes]:
    """Sandboxes of a home of their own, which leaves nothing with the engine."""
    settings = found.model_copy(update={"home": home, "database_url": None, "workspace": "bench"})
    store = Store.open(settings.store_url, workspace_id="bench")
    leases, engine, labels = LeaseKeeper(store), open_engine(home), worker_labels(settings)
    installer = ContainerInstaller(engine, store, settings, leases=leases, labels=labels, user=command_user())
    try:
        yield open_sandboxes(settings, store, installer, engine=engine, process=labels.process)
    finally:
        clear(engine, store, leases, labels)
        leases.close()
        store.close()


def clear(engine: Engine, store: Store, leases: LeaseKeeper, labels: Labels) -> None:
    """Remove the containers, networks and volumes of an installation."""
    mine = {OWNER: labels.owner}
    for container in engine.containers(mine):
        engine.remove(container.id)
    for network in engine.networks(mine):
        engine.remove_network(network.name)
    Volumes(engine, store, leases, labels).forget_unused(before=store.clock.now() + 1)


def lay_out_pair(folder: Path) -> Path:
    """The files of the pair."""
    pair = folder / "pair"
    for name in PAIR:
        shutil.copytree(application_folder() / "examples" / "todo" / "solution" / name, pair, dirs_exist_ok=True)
    return pair


def deploy(sandboxes: Sandboxes, name: str, source: Path, *, commit: str = "bench") -> Sandbox:
    """Deploy the pair as the sandbox of a rock `name`. Raises: OrketError where it does not run."""
    sandbox = sandboxes.deploy(Deployment(name, name, commit, source), stop=threading.Event())
    if sandbox.state is not SandboxState.RUNNING:
        raise OrketError(f"the bench's pair does not run: {sandbox.note}")
    return sandbox
