"""What a project's lock files ask for, installed once, and shared read-only by workbench, tests, build and sandbox."""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orket_pipelines.containers.model import VolumeMount

PYTHON_TARGET = "/dependencies/python"
"""Where containers see the virtual environment."""
PROJECT_PARENT = "/project"
"""Containers see `node_modules` here, above every checkout: Node looks for modules in each folder on the way up."""
CHECKOUT_TARGET = "/project/checkout"
"""Where containers see a checkout."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a command needs to find what was installed.

    `key` names the set: it changes when a lock file or the image does. `mounts` are for containers; `path` (searched
    first) and `variables` hold for whatever runs the command. `scratch` are folders in the mounts that tools write to:
    whoever mounts read-only puts something empty there. `node_modules` is the folder on this host, where commands
    are processes: it has to be reachable from a folder above the checkout; None in containers.
    """

    key: str
    mounts: tuple[VolumeMount, ...] = ()
    path: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    scratch: tuple[str, ...] = ()
    node_modules: Path | None = None


class Installer(Protocol):
    """Installs dependencies, once per lock file."""

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        """What `checkout` needs; installed now where it is not there yet, which takes a while and is recorded.

        The files are read as hostile. Raises: InstallFailed with the log's end where what the project asks for cannot
        be installed (its author's to mend); InstallInterrupted where it is to be tried again; WorkbenchError where this
        host lacks a program; EngineUnavailable; Stopped.
        """

    def key_of(self, checkout: Path) -> str:
        """The key that `prepare` would return, without installing; cheap enough to ask before each command."""
