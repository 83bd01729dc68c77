"""Where commands, results and browsers run: in containers where an engine answers, else as processes, if allowed."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace

from orket_pipelines.containers import (
    Engine,
    Labels,
    command_user,
    engine_answers,
    installation_id,
    limits_of,
    open_engine,
)
from orket_pipelines.containers.model import ContainerPurpose
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.dependencies import ContainerInstaller, ProcessInstaller
from orket_pipelines.errors import EngineUnavailable, SettingsError
from orket_pipelines.sandboxes import open_sandboxes
from orket_pipelines.settings import SCRIPTED, Settings
from orket_pipelines.store import LeaseKeeper, Store, process_identity
from orket_pipelines.verification.container_browsers import ContainerBrowsers
from orket_pipelines.verification.process_browsers import ProcessBrowsers
from orket_pipelines.workbench import (
    Bounds,
    ContainerWorkbenches,
    ProcessWorkbenches,
    preflight,
    preflight_container,
)
from orket_pipelines.workbench.model import Workbenches

BUILD = "orket images build"


@dataclass(frozen=True, slots=True)
class Means:
    """What one process works with. `told` says in a line what is isolated; `engine` is None where there is none."""

    workbenches: Workbenches
    stage: Stage
    told: str
    engine: Engine | None
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Found:
    """What this machine has: whether an engine answers, and which of the images it lacks."""

    answers: bool
    lacking: tuple[str, ...] = ()


def find_engine(settings: Settings) -> Found:
    """Look whether an engine answers, and what it has."""
    if not engine_answers():
        return Found(answers=False)
    engine = open_engine(settings.home, settings.container_tier)
    images = dict.fromkeys((settings.workbench_image, settings.e2e_image))
    return Found(answers=True, lacking=tuple(name for name in images if engine.find_image(name) is None))


def in_containers(settings: Settings, found: Found) -> bool:
    """Whether commands run in containers.

    Raises: EngineUnavailable, SettingsError where they would have to, and cannot: a real model on bare processes takes
    a person's word for it.
    """
    if settings.isolation == "process":
        return False
    if found.answers and not found.lacking:
        return True
    if settings.isolation == "auto" and settings.is_scripted:
        return False
    if found.answers:
        names = " and ".join(found.lacking)
        raise SettingsError(f"the container engine has no image {names}", next_step=f"Build it: {BUILD}")
    if settings.isolation == "container":
        raise EngineUnavailable("no container engine answers", next_step="Start Docker, then look: orket doctor")
    told = " or ".join(name for name in dict.fromkeys((settings.model, *settings.models)) if name != SCRIPTED)
    raise SettingsError(
        f"{told} would run commands as bare processes of this user, for no container engine answers",
        next_step="Start Docker; or set ORKET_ISOLATION=process, on a machine that may be lost.",
    )


def what_processes_lack(settings: Settings) -> tuple[str, ...]:
    """What a page and its browser suites need of this machine where there are no containers, each with its remedy."""
    programs = [name for name in ("node", "npm") if shutil.which(name) is None]
    node = (f"{' and '.join(programs)} (Node 20 or newer, on Debian: apt-get install nodejs npm)",) if programs else ()
    return (*node, *ProcessBrowsers(settings).preflight())


def open_means(settings: Settings, store: Store, leases: LeaseKeeper) -> Means:
    """The means that settings and machine allow. Raises: as `in_containers`."""
    found = find_engine(settings)
    if in_containers(settings, found):
        return _on_engine(settings, store, leases, open_engine(settings.home, settings.container_tier))
    return _on_processes(settings, store, leases, found)


def worker_labels(settings: Settings, run_id: str | None = None) -> Labels:
    """Of what this process starts; subject and purpose are set for each container."""
    identity = process_identity()
    owner = installation_id(settings.home)
    return Labels(owner, settings.workspace, "-", ContainerPurpose.WORKBENCH, process=identity, run=run_id)


def _on_engine(settings: Settings, store: Store, leases: LeaseKeeper, engine: Engine) -> Means:
    labels, user = worker_labels(settings, store.origin.run_id), command_user()
    installer = ContainerInstaller(engine, store, settings, leases=leases, labels=labels, user=user)
    workbenches = ContainerWorkbenches(
        engine,
        installer,
        image=settings.workbench_image,
        labels=labels,
        limits=limits_of(settings),
        bounds=replace(Bounds(), checkout=settings.checkout_limit),
        clock=store.clock,
    )
    sandboxes = open_sandboxes(settings, store, installer, engine=engine, process=labels.process)
    browsers = ContainerBrowsers(engine, installer, settings, labels)
    told = preflight_container(engine.facts())
    return Means(workbenches, Stage(sandboxes, browsers), told, engine, lambda: None)


def _on_processes(settings: Settings, store: Store, leases: LeaseKeeper, found: Found) -> Means:
    installer = ProcessInstaller(store, settings, leases=leases)
    workbenches = ProcessWorkbenches(installer=installer)
    unused = open_engine(settings.home, settings.container_tier) if found.answers else None
    sandboxes = open_sandboxes(settings, store, installer, engine=None, unused=unused)
    browsers = ProcessBrowsers(settings)

    def close() -> None:
        workbenches.close()
        browsers.close()

    told = preflight()
    if found.lacking and settings.isolation != "process":
        told += f" (an engine answers, but has no image {' and '.join(found.lacking)}: {BUILD})"
    return Means(workbenches, Stage(sandboxes, browsers), told, None, close)
