"""What a tool call in a container costs beside a bare `docker exec`, by Docker's own program and by its SDK.

All three run `true` in a container of the same spec, in turn, so that whatever else the machine does hits them alike.
"""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from orket_pipelines.bench.floor import Cost
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.containers import (
    ContainerLimits,
    ContainerPurpose,
    Engine,
    Labels,
    engine_answers,
    installation_id,
    open_engine,
)
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.model import OWNER
from orket_pipelines.dependencies import CHECKOUT_TARGET, MemoryInstaller
from orket_pipelines.errors import OrketError
from orket_pipelines.settings import load_settings
from orket_pipelines.store import process_identity
from orket_pipelines.workbench import ContainerWorkbenches

ROUNDS = 40
WARM_UP = 3
"""Rounds before anything is measured: the first starts the container."""
LIMIT = 60.0
"""Seconds after which a command is given up."""
COMMAND = ["true"]
Call = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Median:
    """Of many calls, in milliseconds."""

    wall: float
    cpu: float


def measure(report: Report) -> list[Metric]:
    """Wall and CPU time of one tool call, beside both floors.

    Raises: OrketError where there is no engine, no image, or no `docker` program.
    """
    image = load_settings().workbench_image
    _demand(image)
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder, _calls(Path(folder), image) as calls:
        report(f"{ROUNDS} tool calls, in turn with bare ones")
        for _ in range(WARM_UP):
            for call in calls.values():
                call()
        costs = _in_turn(calls)
    ours, program, library = (_median(costs[name]) for name in ("ours", "program", "library"))
    return [
        against("tool_call.wall", ours.wall, "ms", program.wall),
        against("tool_call.wall_beside_sdk", ours.wall, "ms", library.wall),
        against("tool_call.cpu", ours.cpu, "ms", library.cpu),
    ]


def _demand(image: str) -> None:
    if not engine_answers():
        raise OrketError(
            "a tool call cannot be measured: no container engine answers", next_step="Start one, then see: docker info"
        )
    if shutil.which("docker") is None:
        raise OrketError(
            "a tool call cannot be measured: its floor is `docker exec`, and there is no program docker",
            next_step="Install Docker's command line, then run it again.",
        )
    if open_engine(Path()).find_image(image) is None:
        raise OrketError(
            f"a tool call cannot be measured: there is no image {image}", next_step="Build it: orket images build"
        )


@contextmanager
def _calls(home: Path, image: str) -> Iterator[dict[str, Call]]:
    """A tool call, and the same command without us in a second container of the same spec."""
    engine = open_engine(home)
    labels = Labels(installation_id(home), "bench", "-", ContainerPurpose.WORKBENCH, process=process_identity())
    workbenches = ContainerWorkbenches(engine, MemoryInstaller(), image=image, labels=labels, limits=ContainerLimits())
    checkouts = [home / "checkouts" / "bench" / name for name in ("ours", "bare")]
    for checkout in checkouts:
        checkout.mkdir(parents=True)
    ours, bare = (workbenches.open(checkout, name=checkout.name) for checkout in checkouts)
    client = docker.APIClient(version="auto", timeout=int(LIMIT))
    try:
        bare.run(COMMAND, deadline=LIMIT)
        container = _only(engine, labels.owner)
        yield {
            "ours": lambda: _expect(ours.run(COMMAND, deadline=LIMIT).exit_code),
            "program": lambda: _by_program(container),
            "library": lambda: _by_library(client, container),
        }
    finally:
        client.close()
        ours.close()
        bare.close()


def _only(engine: Engine, owner: str) -> str:
    [found] = engine.containers({OWNER: owner})
    return found.id


def _by_program(container: str) -> None:
    command = ["docker", "exec", "--user", _user(), "--workdir", CHECKOUT_TARGET, container, *COMMAND]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT)


def _by_library(client: docker.APIClient, container: str) -> None:
    made = client.exec_create(container, COMMAND, user=_user(), workdir=CHECKOUT_TARGET)["Id"]
    for _ in client.exec_start(made, stream=True):
        pass
    _expect(client.exec_inspect(made)["ExitCode"])


def _user() -> str:
    uid, gid = command_user()
    return f"{uid}:{gid}"


def _expect(exit_code: int | None) -> None:
    if exit_code != 0:
        raise OrketError(f"{COMMAND[0]} ended with {exit_code}, so that nothing was measured")


def _in_turn(calls: dict[str, Call]) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            cpu, wall = time.process_time(), time.monotonic()
            call()
            costs[name].append(Cost(time.process_time() - cpu, time.monotonic() - wall))
    return costs


def _median(costs: list[Cost]) -> Median:
    return Median(
        wall=statistics.median(cost.wall for cost in costs) * 1e3,
        cpu=statistics.median(cost.cpu for cost in costs) * 1e3,
    )
