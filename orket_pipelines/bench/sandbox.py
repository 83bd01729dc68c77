"""What a sandbox costs beside bare `docker run`: from the plan of a FastAPI and a page of files to answers of both.

Dependencies are installed and the page is built before anything is measured; what the build adds is told apart. The
floor starts the same images with the same commands over the same files and dependencies, both at once, without a
network of their own, limits, or anything stored; in turn with ours, so that whatever else the machine does hits both.
"""

import json
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.bench.pair import demand_docker, deploy, lay_out_pair, opened_sandboxes
from orket_pipelines.errors import OrketError
from orket_pipelines.sandboxes import DeployedSandboxes, Sandbox
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.planning import plan
from orket_pipelines.sandboxes.probing import ask, is_answer
from orket_pipelines.sandboxes.records import get_sandbox
from orket_pipelines.settings import load_settings

ROUNDS = 5
LIMIT = 60.0
"""Seconds after which a container that does not answer is given up."""
PAUSE = 0.02


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds: from the plan to healthy, of that for detection and plan, and bare."""

    ours: float
    detection: float
    bare: float


def measure(report: Report) -> list[Metric]:
    """Seconds to healthy beside the floor. Raises: OrketError where there is no engine, image, or `docker` program."""
    settings = load_settings()
    demand_docker("a sandbox", settings.workbench_image)
    with (
        tempfile.TemporaryDirectory(prefix="orket-bench-") as folder,
        opened_sandboxes(Path(folder), settings) as sandboxes,
    ):
        report("installing what the pair needs")
        pair = lay_out_pair(Path(folder))
        first = deploy(sandboxes, "first", pair)
        report(f"deploying it with the page's build, {ROUNDS} times")
        built = [_timed_deploy(sandboxes, f"built-{number}", pair) for number in range(ROUNDS)]
        source = _prebuilt(sandboxes, pair, first)
        sandboxes.down(first)
        model = deploy(sandboxes, "model", source)
        report(f"deploying it prebuilt, {ROUNDS} times in turn with bare docker run")
        # The first round counts for nobody: pages and layers are read then.
        rounds = [_round(sandboxes, model, source, number) for number in range(ROUNDS + 1)][1:]
    ours, detection, bare = (statistics.median(each) for each in zip(*map(astuple, rounds), strict=True))
    return [
        against("sandbox.plan_to_healthy", ours, "s", bare),
        Metric("sandbox.detection", round(detection, 4), "s"),
        Metric("sandbox.with_build", round(statistics.median(built), 3), "s"),
    ]


def _timed_deploy(sandboxes: DeployedSandboxes, name: str, source: Path) -> float:
    """Seconds until it is healthy; it is removed then."""
    seconds = _timed(lambda: deploy(sandboxes, name, source))
    with sandboxes.store.read() as tx:
        made = get_sandbox(tx, name)
    sandboxes.down(made)
    return seconds


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _prebuilt(sandboxes: DeployedSandboxes, pair: Path, built: Sandbox) -> Path:
    """The same pair with its page built: `orket.yaml` says that it is served as it is."""
    target = pair.with_name("prebuilt")
    shutil.copytree(pair, target)
    made = sandboxes.folder_of(built.id) / str(built.generation) / "made" / built.front
    shutil.copytree(made, target / "page")
    [api] = [each for each in built.plan["services"] if each["name"] != built.front]
    web = {"kind": "web", "folder": api["folder"], "start": list(api["start"])}
    declared = {api["name"]: {**web, "port": api["port"], "health": api["health_path"]}}
    page = {built.front: {"kind": "static", "folder": "page"}}
    (target / "orket.yaml").write_text(json.dumps({"services": declared | page}))
    return target


def _round(sandboxes: DeployedSandboxes, model: Sandbox, source: Path, number: int) -> Round:
    detection = _timed(lambda: plan(detect(source)))
    if number % 2:
        bare = _bare(model)
        return Round(_timed_deploy(sandboxes, f"round-{number}", source), detection, bare)
    ours = _timed_deploy(sandboxes, f"round-{number}", source)
    return Round(ours, detection, _bare(model))


def _bare(model: Sandbox) -> float:
    """Seconds until copies of the model's containers answer that `docker run` starts, both at once."""
    services = {each["name"]: each for each in model.plan["services"]}
    containers = [_inspect(model, name) for name in services]
    ports = [_free_port() for _ in containers]
    commands = [_run_command(found, port) for found, port in zip(containers, ports, strict=True)]
    paths = [service["health_path"] for service in services.values()]
    urls = [f"http://127.0.0.1:{port}{path}" for port, path in zip(ports, paths, strict=True)]
    began = time.monotonic()
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        while not all(is_answer(ask(url)) for url in urls):
            if time.monotonic() - began > LIMIT:
                raise OrketError(f"the bench's floor does not answer: {' '.join(commands[0])}")
            time.sleep(PAUSE)
        return time.monotonic() - began
    finally:
        ids = [process.communicate(timeout=LIMIT)[0].strip() for process in started]
        subprocess.run(["docker", "rm", "-f", *filter(None, ids)], capture_output=True, timeout=LIMIT, check=False)


def _inspect(model: Sandbox, service: str) -> dict[str, Any]:
    name = f"orket-{model.id[:12]}-{model.generation}-{service}"
    done = subprocess.run(["docker", "inspect", name], capture_output=True, text=True, timeout=LIMIT, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def _run_command(found: dict[str, Any], port: int) -> list[str]:
    """`docker run` with image, command, files and environment of a container, and nothing that contains it."""
    config, host = found["Config"], found["HostConfig"]
    [inside] = host["PortBindings"]
    command = ["docker", "run", "-d", "-p", f"127.0.0.1:{port}:{inside.partition('/')[0]}"]
    command += ["--user", config["User"], "--workdir", config["WorkingDir"], "--entrypoint", config["Entrypoint"][0]]
    command += [word for each in config["Env"] for word in ("--env", each)]
    command += [word for target, options in host["Tmpfs"].items() for word in ("--tmpfs", f"{target}:{options}")]
    for mount in host["Mounts"]:
        command += ["--volume", f"{mount['Source']}:{mount['Target']}:ro"]
    return [*command, config["Image"], *config["Entrypoint"][1:], *config["Cmd"]]


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port
