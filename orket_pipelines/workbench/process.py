"""Workbenches whose commands are processes of this machine: bounded, cleaned up after, and not isolated.

What is held back: time, memory, file size, open files, environment, standard input; and nothing that a command started
outlives it. What is not: a command runs as this user, so that it can read and change whatever this user can, reach
the network, and kill the worker or the supervisor itself. Beyond Linux, processes that leave their session escape.
"""

import contextlib
import getpass
import json
import math
import os
import secrets
import selectors
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orket_pipelines.dependencies.model import Environment as Prepared
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.errors import InstallFailed, Stopped, WorkbenchError
from orket_pipelines.workbench.launcher import Launcher
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.modules import link_modules
from orket_pipelines.workbench.output import Output
from orket_pipelines.workbench.servers import Servers, SharedOutput

MARKER = "WORKBENCH"
"""The variable by which processes of a command are known where its supervisor was killed."""
CERTIFICATES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
)
"""Variables that pass through: where there is a proxy with a certificate of its own, nothing works without."""
CHUNK = 65_536
SERVER_LIFETIME = 24 * 3600.0
"""Seconds; a session of an agent ends long before."""
TICK = 0.2
"""Seconds between looks at the stop flag."""
ANSWER_PATIENCE = 10.0
"""Seconds that a supervisor gets to kill and to answer; it gives up after five itself."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take.

    `memory` is what is private and writable. `address_space` holds back shared memory, too, and is large because it
    counts what is merely reserved: Node reserves 10 GiB for each WebAssembly memory, of which its own fetch has one.
    """

    memory: int = 4 * 1024**3
    address_space: int = 32 * 1024**3
    file_size: int = 1024**3
    open_files: int = 4096
    processes: int = 8192
    """Of the whole user, as the kernel counts them; not applied to root, for whom the kernel does not count."""

    def for_deadline(self, deadline: float) -> dict[str, int]:
        """By the names of the `resource` module. CPU time is a second bound, should the deadline not be enforced."""
        limits = {
            "RLIMIT_DATA": self.memory,
            "RLIMIT_AS": self.address_space,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
            "RLIMIT_CPU": math.ceil(deadline * (os.cpu_count() or 1)) + 1,
        }
        return limits if os.geteuid() == 0 else limits | {"RLIMIT_NPROC": self.processes}


def preflight() -> str:
    """What these workbenches do not isolate, in one line."""
    return (
        f"no isolation: commands run as processes of user {_user()}, with this user's files and network; "
        "use a model that you trust with them"
    )


class ProcessWorkbenches:
    """Opens workbenches; all of a worker share one supervisor process.

    With an `installer`, what a checkout's lock files ask for is installed before a command, and within its reach.
    """

    def __init__(self, *, limits: Limits | None = None, installer: Installer | None = None) -> None:
        self._launcher = Launcher()
        self._limits = limits or Limits()
        self._installer = installer

    def open(self, checkout: Path, *, name: str, stop: threading.Event | None = None) -> "ProcessWorkbench":
        """A workbench over `checkout`, as the port says. Raises: WorkbenchError where that is no folder."""
        checkout = checkout.absolute()
        if not checkout.is_dir():
            raise WorkbenchError(f"{checkout}: no workbench can be opened there, because it is not a folder")
        stop = stop or threading.Event()
        return ProcessWorkbench(checkout, name, self._launcher, self._limits, stop, installer=self._installer)

    def close(self) -> None:
        """End the supervisor process; a later command starts another."""
        self._launcher.close()


class ProcessWorkbench:
    """One issue's place of work. Usable from many threads."""

    isolation = "process"

    def __init__(
        self,
        checkout: Path,
        name: str,
        launcher: Launcher,
        limits: Limits,
        stop: threading.Event,
        *,
        installer: Installer | None = None,
    ) -> None:
        self.checkout = checkout
        self._installer = installer
        self._prepared: Prepared | None = None
        self._name = name
        self._launcher = launcher
        self._limits = limits
        self._stop = stop
        self._lock = threading.Lock()
        self._running: set[socket.socket] = set()
        self.servers = Servers()
        self._closed = False
        self._home = checkout.with_name(f"{checkout.name}.home")
        shutil.rmtree(self._home, ignore_errors=True)
        self._home.mkdir(mode=0o700)
        (self._home / "tmp").mkdir()

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        environment: Mapping[str, str] | None = None,
        output_limit: int = 64_000,
    ) -> Execution:
        """Run `command` as the port says."""
        if not command:
            return Execution(127, "nothing to run: the command is empty\n", 0, 0.0, timed_out=False)
        started = time.monotonic()
        try:
            installed = self._install()
        except InstallFailed as error:
            return Execution(1, f"{error}\n{error.next_step}\n", 0, time.monotonic() - started, timed_out=False)
        mark = f"{self._name}-{secrets.token_hex(8)}"
        started, output = time.monotonic(), Output(output_limit)
        variables = {**installed, **(environment or {})}
        answer, timed_out = self._perform(
            command, deadline, mark, environment=variables, output=output, should_stop=lambda: False
        )
        self._check(answer)
        exit_code = None if timed_out else answer["status"]
        return Execution(exit_code, output.text(), output.truncated, time.monotonic() - started, timed_out=timed_out)

    def start_server(self, name: str, command: Sequence[str]) -> str | None:
        """Run a server as the port says; it is a process as commands are."""
        if not command:
            return "nothing to run: the command is empty"
        try:
            installed = self._install()
        except InstallFailed as error:
            return f"{error}\n{error.next_step}"

        def serve(output: SharedOutput, should_stop: Callable[[], bool]) -> int | None:
            mark = f"{self._name}-{secrets.token_hex(8)}"
            answer, stopped = self._perform(
                command, SERVER_LIFETIME, mark, environment=installed, output=output, should_stop=should_stop
            )
            return None if stopped or should_stop() else answer["status"]

        return self.servers.start(name, lambda _slot: serve)

    def close(self) -> None:
        """Kill what still runs, and remove the private home."""
        self.servers.close()
        with self._lock:
            self._closed = True
            for worker in self._running:
                _hang_up(worker)
        shutil.rmtree(self._home, ignore_errors=True)

    def _perform(
        self,
        command: Sequence[str],
        deadline: float,
        mark: str,
        *,
        environment: Mapping[str, str],
        output: Output,
        should_stop: Callable[[], bool],
    ) -> tuple[dict[str, Any], bool]:
        """Start a command and see to its end; the supervisor's answer, and whether the deadline came first."""
        worker, reading = self._start(command, deadline, mark, environment)
        try:
            until = time.monotonic() + deadline
            timed_out = self._follow(worker, reading, output, until, should_stop=should_stop)
            return _end(worker, reading, output, mark), timed_out
        finally:
            with self._lock:
                self._running.discard(worker)
            worker.close()
            os.close(reading)

    def _install(self) -> dict[str, str]:
        """Variables by which a command finds what was installed for the checkout as it is now."""
        if self._installer is None:
            return {}
        if self._prepared is None or self._prepared.key != self._installer.key_of(self.checkout):
            self._prepared = self._installer.prepare(self.checkout, subject=self._name, stop=self._stop)
        if self._prepared.node_modules is not None:
            link_modules(self.checkout, self._prepared.node_modules)
        path = ":".join([*self._prepared.path, self._environment()["PATH"]])
        return {**dict(self._prepared.variables), "PATH": path}

    def _start(
        self, command: Sequence[str], deadline: float, mark: str, environment: Mapping[str, str]
    ) -> tuple[socket.socket, int]:
        request = {
            "command": list(command),
            "folder": str(self.checkout),
            "environment": self._environment() | {MARKER: mark} | dict(environment),
            "limits": self._limits.for_deadline(deadline),
        }
        with self._lock:
            if self._closed:
                raise WorkbenchError(f"the workbench of {self._name} is closed")
            if self._stop.is_set():
                raise Stopped(f"stopped before {command[0]} was started")
            try:
                worker, reading = self._launcher.start(request)
            except OSError as error:
                raise WorkbenchError(
                    f"{command[0]} could not be started for {self._name}: {error.strerror}",
                    next_step="Look at this machine's memory, processes and open files, then run it again.",
                ) from error
            self._running.add(worker)
        return worker, reading

    def _environment(self) -> dict[str, str]:
        programs = os.path.dirname(sys.executable)  # noqa: PTH120 - not resolved: the environment's own python
        passed = {name: os.environ[name] for name in CERTIFICATES if name in os.environ}
        return passed | {
            "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self._home),
            "TMPDIR": str(self._home / "tmp"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "CI": "1",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }

    def _follow(
        self, worker: socket.socket, reading: int, output: Output, until: float, *, should_stop: Callable[[], bool]
    ) -> bool:
        """Gather output until the supervisor answers; whether the deadline came first."""
        # Not select(), which takes no descriptor above 1023.
        with selectors.DefaultSelector() as watched:
            watched.register(worker, selectors.EVENT_READ)
            watched.register(reading, selectors.EVENT_READ)
            while (left := until - time.monotonic()) > 0:
                ready = {key.fileobj for key, _ in watched.select(min(left, TICK))}
                if self._stop.is_set() or should_stop() or ready == {worker}:
                    return False
                if reading in ready and not _read(reading, output):
                    watched.unregister(reading)
        return True

    def _check(self, answer: dict[str, Any]) -> None:
        if self._stop.is_set() and answer.get("status") == -signal.SIGKILL:
            raise Stopped(f"stopped while a command of {self._name} was running")
        if "error" in answer:
            raise WorkbenchError(f"a command of {self._name} could not be run: {answer['error']}")
        if answer["left"]:
            raise WorkbenchError(f"{answer['left']} processes of {self._name} would not die")


def _end(worker: socket.socket, reading: int, output: Output, mark: str) -> dict[str, Any]:
    """The supervisor's answer, once everything is gone; what output there still was is taken."""
    _hang_up(worker)
    worker.settimeout(ANSWER_PATIENCE)
    try:
        received = b"".join(iter(lambda: worker.recv(CHUNK), b""))
    except OSError:
        received = b""
    if not received:
        _kill_marked(mark)
    # A process that escaped may hold the pipe open: only what is there now is read.
    os.set_blocking(reading, False)
    with contextlib.suppress(BlockingIOError):
        while _read(reading, output):
            pass
    if received:
        answer: dict[str, Any] = json.loads(received)
        return answer
    # Mostly the command itself has done that; as an error, it would be tried again for ever.
    output.add(b"\n[killed: the process that watches over commands was gone]\n")
    return {"status": -int(signal.SIGKILL), "left": 0}


def _hang_up(worker: socket.socket) -> None:
    """Tell the supervisor to kill what still runs."""
    with contextlib.suppress(OSError):  # it may have answered and be gone
        worker.shutdown(socket.SHUT_WR)


def _read(reading: int, output: Output) -> int:
    data = os.read(reading, CHUNK)
    output.add(data)
    return len(data)


def _kill_marked(mark: str) -> None:
    """Kill all processes that inherited the mark of a command whose supervisor was killed. Needs /proc."""
    needle = f"{MARKER}={mark}".encode()
    give_up = time.monotonic() + ANSWER_PATIENCE
    while found := [entry for entry in Path("/proc").glob("[0-9]*/environ") if _has(entry, needle)]:
        for entry in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(entry.parent.name), signal.SIGKILL)
        if time.monotonic() > give_up:
            raise WorkbenchError(f"{len(found)} processes would not die")
        time.sleep(0.01)


def _has(environ: Path, needle: bytes) -> bool:
    try:
        return needle in environ.read_bytes().split(b"\0")
    except OSError:
        return False  # ended, or of another user


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())
