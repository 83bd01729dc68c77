"""Sandboxes as processes of this machine, where there is no engine: on 127.0.0.1 alone, bounded, and not isolated.

What is held back: memory, file size, open files, environment, standard input, the size of logs; and nothing of a
sandbox outlives it. What is not: a service runs as this user, with this user's files and network.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from json import dumps
from pathlib import Path

from orket_pipelines.errors import Stopped
from orket_pipelines.sandboxes import gateway
from orket_pipelines.sandboxes.allocations import PORT
from orket_pipelines.sandboxes.identity import MARK, Identity, identify, marked, signal_marked
from orket_pipelines.sandboxes.model import Service
from orket_pipelines.sandboxes.runtime import (
    AddressTaken,
    Condition,
    DeploymentFailed,
    Generation,
    Handles,
    command_of,
    end_of,
    is_page,
)
from orket_pipelines.store import failpoint, reach

KEEPER = Path(__file__).with_name("keeper.py")
LOOPBACK = "127.0.0.1"
LOG_LIMIT = 4 * 1024**2
"""Bytes that are kept of what one service says."""
GRACE = 3.0
"""Seconds that a stopped service gets to end by itself."""
END_PATIENCE = 10.0
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Variables that pass through: where there is a proxy with a certificate of its own, nothing works without."""
AFTER_PROCESS = failpoint("sandboxes.after_process")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one service may take, in bytes but for `open_files` and `processes`.

    `memory` is what is private and writable; `address_space` is large because Node reserves 10 GiB for each WebAssembly
    memory. `processes` counts all of the user, and is not applied to root, for whom the kernel does not count.
    """

    memory: int = 4 * 1024**3
    address_space: int = 32 * 1024**3
    file_size: int = 1024**3
    open_files: int = 4096
    processes: int = 8192

    def limits(self) -> dict[str, int]:
        """By the names of the `resource` module."""
        found = {
            "RLIMIT_DATA": self.memory,
            "RLIMIT_AS": self.address_space,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
        }
        return found if os.geteuid() == 0 else found | {"RLIMIT_NPROC": self.processes}


@dataclass(frozen=True, slots=True)
class ProcessRuntime:
    """Runs sandboxes as detached processes. `build_timeout` is in seconds."""

    build_timeout: float
    bounds: Bounds = Bounds()
    isolation: str = "process"

    def networks(self, sandbox: str, serving: Handles) -> tuple[str, ...]:
        """None: services listen on ports of this machine themselves."""
        del sandbox, serving
        return ()

    def why_in_place(self, generation: Generation, serving: Handles) -> str:
        """A port is one process's."""
        del generation, serving
        return "processes listen on its ports themselves"

    def end_builds(self, sandbox: str) -> None:
        """Kill what bears the mark of a build."""
        give_up = time.monotonic() + END_PATIENCE
        while signal_marked(_of_builds(sandbox), signal.SIGKILL) and time.monotonic() < give_up:
            time.sleep(0.02)

    def build(self, generation: Generation, service: Service, *, stop: threading.Event) -> None:
        """Run the build over the copy of the source, which is the sandbox's own; it ends with this worker."""
        name = f"{service.name}-build"
        folder = generation.source / service.folder
        keeper = self._launch(generation, name, service.build, folder, {}, timeout=self.build_timeout)
        ended = generation.folder / "run" / f"{name}.exit"
        while not ended.exists() and keeper.poll() is None:
            if stop.wait(0.05):
                keeper.terminate()
                keeper.wait()
                raise Stopped(f"stopped while {service.name} was being built")
        keeper.wait()
        code = _read(ended)
        if code != "0":
            why = (
                f"did not end within {self.build_timeout:g} s" if code == str(-signal.SIGKILL) else f"ended with {code}"
            )
            raise DeploymentFailed(f"the build of {service.name} {why}\n{end_of(_log(generation.folder, name))}")
        if is_page(service) and not site_of(generation, service).is_dir():
            raise DeploymentFailed(f"the build of {service.name} ended, but its output {service.output} is not there")

    def start(self, generation: Generation, serving: Handles) -> Handles:
        """Start a keeper for every service; nothing serves beside it."""
        del serving
        for port in generation.ports.values():
            _demand_free(port)
        processes = {}
        for service in generation.plan.services:
            keeper = self._start(generation, service)
            processes[service.name] = identify(keeper.pid).document()
            # Its end is nobody's to wait for: it outlives this worker.
            threading.Thread(target=keeper.wait, daemon=True).start()
            reach(AFTER_PROCESS)
        return {"processes": processes, "ports": dict(generation.ports), "folder": str(generation.folder)}

    def conditions(self, sandbox: str, handles: Handles) -> dict[str, Condition]:
        """Whether the keepers live, and how their services ended."""
        del sandbox
        return {name: _condition(name, handles) for name in handles.get("processes", {})}

    def listening(self, handles: Handles, service: str) -> None:
        """Not known: every process of this machine listens in the same place."""
        del handles, service

    def logs(self, handles: Handles, *, tail: int, stamped: bool = False) -> dict[str, str]:
        """The end of the log files."""
        folder = Path(handles.get("folder", ""))
        read = _stamped_log if stamped else _log
        logs = {name: read(folder, name) for name in handles.get("processes", {})}
        return {name: "\n".join(text.splitlines()[-tail:]) for name, text in logs.items() if text}

    def halt(self, sandbox: str, handles: Handles) -> None:
        """Ask every keeper to end its service, and kill what is left."""
        self.end_builds(sandbox)
        keepers = [Identity(**each) for each in handles.get("processes", {}).values()]
        # What a killed worker started is in no handles; its keeper bears the mark as its service does, and a keeper
        # hands the signal on.
        signal_marked(sandbox, signal.SIGTERM)
        for keeper in keepers:
            keeper.signal(signal.SIGTERM)
        give_up = time.monotonic() + GRACE + END_PATIENCE
        while marked(sandbox) or any(keeper.lives for keeper in keepers):
            if time.monotonic() > give_up - END_PATIENCE:
                signal_marked(sandbox, signal.SIGKILL)
            if time.monotonic() > give_up:
                break
            time.sleep(0.02)

    def switch(self, handles: Handles) -> None:
        """Nothing: its services have the ports."""
        del handles

    def clear(self, sandbox: str, handles: Handles, *, keep: bool, grace: float = 0.0) -> None:
        """As `halt`; logs are files of a generation, and go with it. While what is kept has the ports, nothing else
        was started but builds."""
        del grace
        if keep:
            self.end_builds(sandbox)
        else:
            self.halt(sandbox, handles)

    def remove(self, sandbox: str, handles: Handles) -> None:
        """As `halt`: processes are all there is."""
        self.halt(sandbox, handles)

    def _start(self, generation: Generation, service: Service) -> "subprocess.Popen[bytes]":
        port = generation.ports[service.name]
        folder = generation.source / service.folder
        if is_page(service):
            site = site_of(generation, service)
            if not site.is_dir() or not site.resolve().is_relative_to(generation.source.resolve()):
                raise DeploymentFailed(f"the files of {service.name} are not there: {service.output or service.folder}")
            command, folder = _gateway(generation, service, site, port), generation.folder
        else:
            command = command_of(service, port, LOOPBACK)
        return self._launch(generation, service.name, command, folder, {"PORT": str(port), "HOST": LOOPBACK})

    def _launch(
        self,
        generation: Generation,
        name: str,
        command: Sequence[str],
        folder: Path,
        environment: dict[str, str],
        *,
        timeout: float | None = None,
    ) -> "subprocess.Popen[bytes]":
        run = generation.folder / "run"
        home = generation.folder / "home" / name
        for each in (run, home):
            each.mkdir(parents=True, exist_ok=True)
        (run / f"{name}.exit").unlink(missing_ok=True)
        mark = _of_builds(generation.sandbox) if timeout else generation.sandbox
        _offer_modules(generation)
        request = {
            "command": list(command),
            "folder": str(folder),
            "environment": self._environment(generation, home) | environment | {MARK: mark},
            "limits": self.bounds.limits(),
            "log": str(run / f"{name}.log"),
            "exit": str(run / f"{name}.exit"),
            "log_limit": LOG_LIMIT,
            "grace": GRACE,
            "timeout": timeout,
            "parent": os.getpid() if timeout else None,
        }
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(KEEPER), dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={MARK: mark},
        )

    def _environment(self, generation: Generation, home: Path) -> dict[str, str]:
        """No secret of this host is in it."""
        programs = os.path.dirname(sys.executable)  # noqa: PTH120 - not resolved: the environment's own python
        path = ":".join((*generation.environment.path, programs, "/usr/local/bin:/usr/bin:/bin"))
        passed = {name: os.environ[name] for name in CERTIFICATES if name in os.environ}
        fixed = {"PATH": path, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        return passed | dict(generation.environment.variables) | fixed | {"CI": "1"}


def _of_builds(sandbox: str) -> str:
    """The mark of a sandbox's builds."""
    return f"{sandbox}-build"


def site_of(generation: Generation, service: Service) -> Path:
    """Where a page's files lie."""
    return generation.source / service.folder / (service.output or ".")


def _gateway(generation: Generation, service: Service, site: Path, port: int) -> list[str]:
    routes = generation.plan.routes if service.name == generation.plan.front else {}
    told = [f"{prefix}=http://{LOOPBACK}:{generation.ports[name]}" for prefix, name in routes.items()]
    listen = ["--port", str(port), "--host", LOOPBACK]
    routed = [word for route in told for word in ("--route", route)]
    return [sys.executable, "-I", "-c", gateway.source(), "--root", str(site), *routed, *listen]


def _offer_modules(generation: Generation) -> None:
    """Node looks for modules in each folder on the way up from the source."""
    link = generation.folder / "node_modules"
    if generation.environment.node_modules is None:
        return
    if not link.is_symlink():
        link.symlink_to(generation.environment.node_modules)
    # As in containers: bundlers write scratch files into the nearest one, and the installed one is shared.
    for service in generation.plan.services:
        if (generation.source / service.folder / "package.json").is_file():
            (generation.source / service.folder / "node_modules").mkdir(exist_ok=True)


def _demand_free(port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((LOOPBACK, port))
        except OSError as error:
            raise AddressTaken(PORT, str(port)) from error


def _condition(name: str, handles: Handles) -> Condition:
    code = _read(Path(handles["folder"]) / "run" / f"{name}.exit")
    if code is not None:
        return Condition(f"ended with code {code}")
    return Condition(None if Identity(**handles["processes"][name]).lives else "is gone: its process was killed")


def _log(folder: Path, name: str) -> str:
    return "".join(text for _, text in _log_files(folder, name))


def _stamped_log(folder: Path, name: str) -> str:
    """Each line with its file and its number there: a file keeps its inode when the next one takes its name. A line
    that has not ended yet is left for the next look."""
    return "".join(
        f"{inode}.{number} {line}"
        for inode, text in _log_files(folder, name)
        for number, line in enumerate(text.splitlines(keepends=True))
        if line.endswith("\n")
    )


def _log_files(folder: Path, name: str) -> list[tuple[int, str]]:
    """The inode and the text of each, the older one first.

    The keeper may turn to the next file at any moment: the newer one is read first, so that nothing is passed by, and
    is not told twice where it has become the older one.
    """
    found: dict[int, str] = {}
    for end in (".log", ".log.1"):
        with contextlib.suppress(FileNotFoundError), (folder / "run" / f"{name}{end}").open(errors="replace") as file:
            found.setdefault(os.fstat(file.fileno()).st_ino, file.read())
    return list(reversed(found.items()))


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None
