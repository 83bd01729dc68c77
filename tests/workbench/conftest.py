"""An engine for the tests of this room: real ones share one home a session, so that one reap at its end is enough."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orket_pipelines.containers.docker_engine import DockerEngine, engine_answers
from orket_pipelines.containers.labels import installation_id
from orket_pipelines.containers.model import OWNER, ContainerLimits, ContainerPurpose, Labels
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.workbench.container import ContainerWorkbenches
from orket_pipelines.workbench.model import Workbenches
from orket_pipelines.workbench.process import ProcessWorkbenches
from orket_pipelines.workbench.watch import Bounds

IMAGE = os.environ.get("ORKET_WORKBENCH_IMAGE", "orket-base:bookworm")
"""Taken before the tests forget what is set outside."""
LIMITS = ContainerLimits(memory=256 * 1024**2, processes=64, file_size=64 * 1024**2)
BOUNDS = Bounds(checkout=96 * 1024**2, entries=2_000, output=8 * 1024**2, grace=3.0)
Require = Callable[[str, bool, str], None]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def engine(home: Path, require: Require) -> Iterator[DockerEngine]:
    require("docker", engine_answers(), "no container engine answers (docker info)")
    engine = DockerEngine(home)
    require("docker", engine.find_image(IMAGE) is not None, f"there is no image {IMAGE}")
    yield engine
    for left in engine.containers({OWNER: installation_id(home)}):
        engine.remove(left.id)


@pytest.fixture(scope="module")
def installer() -> MemoryInstaller:
    return MemoryInstaller()


@pytest.fixture(scope="session")
def labels(home: Path) -> Labels:
    return Labels(installation_id(home), "default", "-", ContainerPurpose.WORKBENCH, process="this")


@pytest.fixture(scope="module")
def containers(engine: DockerEngine, installer: MemoryInstaller, labels: Labels) -> ContainerWorkbenches:
    """Workbenches on the real engine, small enough that their limits are quickly reached."""
    return ContainerWorkbenches(engine, installer, image=IMAGE, labels=labels, limits=LIMITS, bounds=BOUNDS)


@pytest.fixture(scope="module", params=["process", pytest.param("container", marks=pytest.mark.docker)])
def workbenches(request: pytest.FixtureRequest) -> Iterator[Workbenches]:
    """What the port's contract is held against: processes, then containers."""
    if request.param == "container":
        yield request.getfixturevalue("containers")
        return
    processes = ProcessWorkbenches()
    yield processes
    processes.close()
