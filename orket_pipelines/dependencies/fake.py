"""An installer that installs nothing, for tests of the rooms above; and what the engine's fake needs to play one."""

import threading
from collections.abc import Sequence
from pathlib import Path

from orket_pipelines.containers.model import ContainerPurpose, ContainerSpec
from orket_pipelines.dependencies.keys import Keys
from orket_pipelines.dependencies.manifests import Declared, read_manifests
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.dependencies.plan import Terms, combined_key, plan
from orket_pipelines.dependencies.proxy import READY
from orket_pipelines.dependencies.reading import look
from orket_pipelines.dependencies.sources import Sources
from orket_pipelines.errors import OrketError, Stopped

TERMS = Terms("memory", scripts=False, sources=Sources(()))


class MemoryInstaller:
    """Reads manifests as the real ones do, and takes everything for installed. Tests may set `failure`, which is raised
    for what is not there yet, and read `prepared`: subjects and keys, in the order of their installation."""

    def __init__(self) -> None:
        self.failure: OrketError | None = None
        self.prepared: list[tuple[str, str]] = []
        self._keys = Keys(_key_for)
        self._lock = threading.Lock()

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        """As the port says."""
        key = _key_for(read_manifests(look(checkout)))
        with self._lock:
            if key not in {known for _, known in self.prepared}:
                if stop.is_set():
                    raise Stopped("stopped before dependencies were installed")
                if self.failure is not None:
                    raise self.failure
                self.prepared.append((subject, key))
        return Environment(key)

    def key_of(self, checkout: Path) -> str:
        """As the port says."""
        return self._keys.of(checkout)


def plays_installs(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str] | None:
    """What a proxy and an install that succeeds do, for `MemoryEngine`; None for every other container."""
    if tuple(command) != spec.command:
        return None
    if spec.labels.purpose is ContainerPurpose.PROXY:
        return None, f"{READY}\n"
    return (0, "installed\n") if spec.labels.purpose is ContainerPurpose.INSTALL else None


def _key_for(declared: Declared) -> str:
    return combined_key(plan(declared, TERMS))
