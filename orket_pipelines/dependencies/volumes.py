"""Sets of dependencies in volumes: one for each key, whoever asks first; and the removal of what nobody names."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from orket_pipelines.containers.model import OWNER, PURPOSE, SUBJECT, WORKSPACE, ContainerPurpose, Labels, VolumeSpec
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.plan import DependencySet
from orket_pipelines.dependencies.records import (
    find_set,
    forget_unused,
    is_due,
    locations,
    record_failure,
    record_set,
    touch_set,
)
from orket_pipelines.errors import ContainerError, EngineUnavailable, InstallFailed
from orket_pipelines.store import LeaseKeeper, Store, failpoint, reach

LEASES = "install:"
"""The lease `install:<key>` is held while a set is installed; its volume bears that name as its subject."""
AFTER_VOLUME = failpoint("dependencies.after_volume")
AFTER_INSTALL = failpoint("dependencies.after_install")
AFTER_RECORD = failpoint("dependencies.after_record")
AFTER_FAILURE = failpoint("dependencies.after_failure")
FORGOTTEN = failpoint("dependencies.forgotten")

Install = Callable[[DependencySet, str], str]
"""Installs a set into a volume; returns the log, or raises."""


def is_install(labels: Mapping[str, str]) -> bool:
    """Whether something belongs to an installation. For `containers.reap` that is alive: its containers and networks
    end with their process or by age, and its volumes are judged by `Volumes.reap`, which reads rows and leases."""
    return labels.get(PURPOSE) in {ContainerPurpose.INSTALL, ContainerPurpose.PROXY}


class Volumes:
    """The sets of an installation of the product. `labels` are of the worker that asks."""

    def __init__(self, engine: Engine, store: Store, leases: LeaseKeeper, labels: Labels) -> None:
        self._engine = engine
        self._store = store
        self._leases = leases
        self._labels = labels

    def ensure(self, planned: DependencySet, install: Install, *, subject: str, stop: threading.Event) -> str:
        """The volume of a set, complete; installed now where there is none.

        Raises: whatever `install` raises, Stopped, EngineUnavailable. No half of it is left then.
        """
        found = self._find(planned.key)
        if found is not None:
            return found
        with self._leases.holding(f"{LEASES}{planned.key}", stop=stop) as lease:
            # Somebody else may have been quicker.
            found = self._find(planned.key)
            if found is not None:
                return found
            return self._install(self._store.acting(fence=lease), planned, install, subject)

    def reap(self) -> list[str]:
        """Remove the volumes that no row names and nobody is filling; their names. Those in use stay for the next time.

        The engine is asked first: what it lists is recorded by then, or its lease held, or nobody's.
        """
        ours = {OWNER: self._labels.owner, WORKSPACE: self._labels.workspace, PURPOSE: ContainerPurpose.INSTALL}
        listed = self._engine.volumes(ours)
        with self._store.read() as tx:
            kept, filling = locations(tx), self._leases.held(tx, LEASES)
        removed = []
        for volume in listed:
            if volume.name not in kept and volume.labels.get(SUBJECT) not in filling:
                with contextlib.suppress(ContainerError):
                    self._engine.remove_volume(volume.name)
                    removed.append(volume.name)
        return removed

    def filling(self) -> set[str]:
        """The keys of the sets that somebody is installing."""
        with self._store.read() as tx:
            return {name.removeprefix(LEASES) for name in self._leases.held(tx, LEASES)}

    def forget_unused(self, *, before: int) -> list[str]:
        """Forget the sets that were last used before a time (microseconds), and remove what nobody names then."""
        with self._store.write() as tx:
            forget_unused(tx, before=before)
        reach(FORGOTTEN)
        return self.reap()

    def _find(self, key: str) -> str | None:
        """What is recorded and still there: a person may remove a volume."""
        with self._store.read() as tx:
            found, due = find_set(tx, key), False
            if found is not None:
                due = is_due(found, tx.now)
        if found is None:
            return None
        listed = self._engine.volumes({OWNER: self._labels.owner, SUBJECT: f"{LEASES}{key}"})
        if found.location not in {volume.name for volume in listed}:
            return None
        if due:
            with self._store.write() as tx:
                touch_set(tx, key)
        return found.location

    def _install(self, store: Store, planned: DependencySet, install: Install, subject: str) -> str:
        volume = f"orket-{planned.ecosystem}-{planned.key[:12]}-{secrets.token_hex(4)}"
        labels = replace(self._labels, subject=f"{LEASES}{planned.key}", purpose=ContainerPurpose.INSTALL)
        # It outlives the worker that fills it; while it is not recorded, the lease says whose it is.
        labels = replace(labels, process=None, run=None, expires=None)
        with self._removed_on_failure(volume):
            self._engine.create_volume(VolumeSpec(volume, labels))
            reach(AFTER_VOLUME)
            try:
                log = install(planned, volume)
            except InstallFailed as error:
                with store.write() as tx:
                    record_failure(tx, planned.key, ecosystem=planned.ecosystem, error=error, subject=subject)
                reach(AFTER_FAILURE)
                raise
            reach(AFTER_INSTALL)
            with store.write() as tx:
                record_set(tx, planned.key, ecosystem=planned.ecosystem, location=volume, log=log, subject=subject)
        reach(AFTER_RECORD)
        return volume

    @contextmanager
    def _removed_on_failure(self, volume: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with contextlib.suppress(EngineUnavailable, ContainerError):
                self._engine.remove_volume(volume)
            raise
