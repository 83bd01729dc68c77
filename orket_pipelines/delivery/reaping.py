"""Containers, networks and volumes that nobody owns any more are removed, and records of what is gone are set right."""

from collections.abc import Mapping
from dataclasses import replace

from orket_pipelines.containers import Engine, Reaped, command_user, installation_id, reap
from orket_pipelines.containers.model import PROCESS, PURPOSE, ContainerPurpose
from orket_pipelines.delivery.isolation import worker_labels
from orket_pipelines.dependencies import ContainerInstaller
from orket_pipelines.sandboxes.records import list_sandboxes
from orket_pipelines.sandboxes.upkeep import is_used
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, failpoint, reach

REAPED = failpoint("reaping.workers_reaped")

KEPT_BY_OTHERS = frozenset({ContainerPurpose.INSTALL})
"""Their room knows better which of them are used, and is asked afterwards."""


def reap_orphans(settings: Settings, store: Store, engine: Engine, leases: LeaseKeeper) -> Reaped:
    """Remove what dead workers left, half installations too, what has expired, and services of sandboxes that were
    removed or got their next commit.

    Raises: EngineUnavailable.
    """
    with store.read() as tx:
        sandboxes = list_sandboxes(tx)

    def is_live(labels: Mapping[str, str]) -> bool:
        # What a process owns is an orphan when the process is dead, and not before.
        return PROCESS in labels or labels.get(PURPOSE) in KEPT_BY_OTHERS or is_used(labels, sandboxes)

    owner, workspace = installation_id(settings.home), settings.workspace
    reaped = reap(engine, owner=owner, workspace=workspace, now=store.clock.now(), is_live=is_live)
    reach(REAPED)
    labels, user = worker_labels(settings), command_user()
    installer = ContainerInstaller(engine, store, settings, leases=leases, labels=labels, user=user)
    return replace(reaped, volumes=(*reaped.volumes, *installer.reap()))
