"""Sandboxes as the settings describe them: on the engine where one is given, else on bare processes."""

from dataclasses import replace

from orket_pipelines.containers import Engine, command_user, installation_id, limits_of
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.sandboxes.deploying import DeployedSandboxes
from orket_pipelines.sandboxes.on_engine import ContainerRuntime
from orket_pipelines.sandboxes.on_processes import ProcessRuntime
from orket_pipelines.sandboxes.specs import Station
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store


def open_sandboxes(
    settings: Settings,
    store: Store,
    installer: Installer,
    *,
    engine: Engine | None,
    process: str | None = None,
    unused: Engine | None = None,
) -> DeployedSandboxes:
    """`process` names this worker in the labels of build containers, so that they can be removed when it is dead.

    `unused` is an engine that answers and is not to be used for anything new: earlier sandboxes may run on it.
    """
    processes = ProcessRuntime(settings.sandbox_build_timeout)
    if engine is None:
        others = (ContainerRuntime(unused, station_of(settings)),) if unused is not None else ()
        return DeployedSandboxes(store, processes, installer, settings, others=others)
    runtime = ContainerRuntime(engine, replace(station_of(settings), process=process), store.clock)
    return DeployedSandboxes(store, runtime, installer, settings, others=(processes,))


def station_of(settings: Settings) -> Station:
    """What containers of sandboxes are made with."""
    return Station(
        owner=installation_id(settings.home),
        workspace=settings.workspace,
        image=settings.workbench_image,
        user=command_user(),
        limits=limits_of(settings),
        # Its pages count as the container's memory.
        scratch=settings.container_memory // 2,
        build_timeout=settings.sandbox_build_timeout,
        database_images=settings.database_images,
        database_patience=settings.sandbox_start_timeout,
        beside=settings.sandbox_beside,
    )
