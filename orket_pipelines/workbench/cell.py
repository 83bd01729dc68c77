"""The container behind a workbench: started when first needed, and replaced when what it needs has changed."""

import threading
from pathlib import Path

from orket_pipelines.clock import MICROSECONDS, Clock
from orket_pipelines.containers.model import OWNER, PROCESS, PURPOSE, SUBJECT, WORKSPACE, Labels
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.store.failpoints import failpoint, reach
from orket_pipelines.workbench.enclosure import Frame, container_spec, labelled
from orket_pipelines.workbench.tree import identity

BEFORE_START = failpoint("workbench.before_start")
AFTER_START = failpoint("workbench.after_start")
LIFETIME = 24 * 3600
"""Seconds after its start that a container may be removed by age; a session of an agent ends long before."""


class Cell:
    """The container of one workbench, whichever that is just now. Not for several threads at once."""

    def __init__(
        self, engine: Engine, installer: Installer, *, frame: Frame, checkout: Path, name: str, clock: Clock
    ) -> None:
        self.checkout = checkout
        self.name = name
        self.user = frame.user
        self._engine = engine
        self._installer = installer
        self._frame = frame
        self._clock = clock
        self._container: str | None = None
        self._made_for: tuple[str, tuple[int, int]] | None = None

    def enter(self, stop: threading.Event) -> str:
        """A running container with what the checkout needs now; started where there is none.

        Raises: InstallFailed, EngineUnavailable, ContainerError, Stopped.
        """
        needed = (self._installer.key_of(self.checkout), identity(self.checkout))
        if self._container is not None and (self._made_for != needed or not self.runs()):
            self.leave()
        if self._container is None:
            self._start(stop)
            self._made_for = needed
        return self._container or ""

    def runs(self) -> bool:
        """Whether the container is still there and running."""
        found = self._engine.find(self._container) if self._container else None
        return found is not None and found.running

    def out_of_memory(self) -> bool:
        """Whether the engine says that the container as a whole ended for want of memory."""
        found = self._engine.find(self._container) if self._container else None
        return found is not None and found.out_of_memory

    def distrust(self) -> None:
        """Have it replaced before anything else runs: the last command may still be running there."""
        self._made_for = None

    def leave(self) -> None:
        """Remove the container with all that runs in it. Where the engine is away, it is tried again."""
        if self._container is not None:
            self._engine.remove(self._container)
            self._container = None

    def _start(self, stop: threading.Event) -> None:
        environment = self._installer.prepare(self.checkout, subject=self.name, stop=stop)
        expires = self._clock.now() + LIFETIME * MICROSECONDS
        labels = labelled(self._frame, self.name, expires)
        self._evict(labels)
        spec = container_spec(self._frame, self.checkout, environment, labels)
        reach(BEFORE_START)
        # By its name from here on: should the engine be lost before it answers, the container may be there.
        self._container = spec.name
        self._engine.start(spec)
        reach(AFTER_START)

    def _evict(self, labels: Labels) -> None:
        """Remove what a dead worker left running for the subject: whoever holds its lease works on it alone."""
        same = {
            OWNER: labels.owner,
            WORKSPACE: labels.workspace,
            SUBJECT: labels.subject,
            PURPOSE: str(labels.purpose),
        }
        for found in self._engine.containers(same):
            if found.labels.get(PROCESS) != labels.process:
                self._engine.remove(found.id)
