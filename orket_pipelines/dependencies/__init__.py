"""What a project declares to depend on, installed in containers that reach package sources and nothing else.

Manifests are parsed as hostile text (`reading.py`, `manifests.py`); `plan.py` decides what is installed and how;
`installation.py` runs one installation, whose only way out is the proxy of `proxy.py`; `volumes.py` sees to it that a
set is installed once. On hosts without an engine, `process_installer.py` serves projects that need Node.
"""

from orket_pipelines.dependencies.container_installer import ContainerInstaller
from orket_pipelines.dependencies.fake import MemoryInstaller, plays_installs
from orket_pipelines.dependencies.model import (
    CHECKOUT_TARGET,
    PROJECT_PARENT,
    PYTHON_TARGET,
    Environment,
    Installer,
)
from orket_pipelines.dependencies.process_installer import ProcessInstaller
from orket_pipelines.dependencies.volumes import is_install

__all__ = [
    "CHECKOUT_TARGET",
    "PROJECT_PARENT",
    "PYTHON_TARGET",
    "ContainerInstaller",
    "Environment",
    "Installer",
    "MemoryInstaller",
    "ProcessInstaller",
    "is_install",
    "plays_installs",
]
