"""The floor of sandboxes: copies of a sandbox's containers that `docker run` starts, and the same ones started again.

They have the same images, commands, files and dependencies; no network of their own, no limits, and nothing is stored.
They bear the same labels, so that what ends a bench early removes them with what they are copies of.
"""

import json
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from orket_pipelines.errors import OrketError
from orket_pipelines.sandboxes import Sandbox
from orket_pipelines.sandboxes.probing import ask, is_answer

LIMIT = 120.0
"""Seconds after which a container that does not answer is given up."""
PAUSE = 0.02


def run_bare(model: Sandbox, copies: int) -> float:
    """Seconds until so many copies of the model's containers answer, all started at once; they are removed then."""
    found = [(_inspect(model, each["name"]), each["health_path"]) for each in model.plan["services"]] * copies
    ports = _free_ports(len(found))
    commands = [run_command(container, port) for (container, _), port in zip(found, ports, strict=True)]
    urls = [f"http://127.0.0.1:{port}{path}" for (_, path), port in zip(found, ports, strict=True)]
    began = time.monotonic()
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    try:
        _await(urls)
        return time.monotonic() - began
    finally:
        ids = [process.communicate(timeout=LIMIT)[0].strip() for process in started]
        subprocess.run(["docker", "rm", "-f", *filter(None, ids)], capture_output=True, timeout=LIMIT, check=False)


def restart_bare(model: Sandbox) -> float:
    """Seconds until the model's containers answer again, all restarted at once."""
    names = [_container(model, each["name"]) for each in model.plan["services"]]
    began = time.monotonic()
    restarting = [subprocess.Popen(["docker", "restart", name], stdout=subprocess.DEVNULL) for name in names]
    for process in restarting:
        process.wait(timeout=LIMIT)
    _await([model.urls[each["name"]] + each["health_path"] for each in model.plan["services"]])
    return time.monotonic() - began


def _await(urls: Sequence[str]) -> None:
    until = time.monotonic() + LIMIT
    for url in urls:
        while not is_answer(ask(url)):
            if time.monotonic() > until:
                raise OrketError(f"the bench's floor does not answer at {url}", next_step="Look at it: docker ps -a")
            time.sleep(PAUSE)


def _container(model: Sandbox, service: str) -> str:
    return f"orket-{model.id[:12]}-{model.generation}-{service}"


def _inspect(model: Sandbox, service: str) -> dict[str, Any]:
    name = _container(model, service)
    done = subprocess.run(["docker", "inspect", name], capture_output=True, text=True, timeout=LIMIT, check=True)
    found: dict[str, Any] = json.loads(done.stdout)[0]
    return found


def run_command(found: dict[str, Any], port: int) -> list[str]:
    """`docker run` with image, command, files and environment of a container, and nothing that contains it. `found` is
    what the engine says of it."""
    config, host = found["Config"], found["HostConfig"]
    [inside] = (each.partition("=")[2] for each in config["Env"] if each.startswith("PORT="))
    command = ["docker", "run", "-d", "-p", f"127.0.0.1:{port}:{inside}"]
    command += ["--user", config["User"], "--workdir", config["WorkingDir"], "--entrypoint", config["Entrypoint"][0]]
    command += [word for each in config["Env"] for word in ("--env", each)]
    command += [word for name, value in config["Labels"].items() for word in ("--label", f"{name}={value}")]
    command += [word for target, options in host["Tmpfs"].items() for word in ("--tmpfs", f"{target}:{options}")]
    for mount in host["Mounts"]:
        command += ["--volume", f"{mount['Source']}:{mount['Target']}:ro"]
    return [*command, config["Image"], *config["Entrypoint"][1:], *config["Cmd"]]


def _free_ports(count: int) -> list[int]:
    """All held at the same time, or one would be told of twice, and a copy less be started."""
    with ExitStack() as held:
        tried = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in tried:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in tried]
