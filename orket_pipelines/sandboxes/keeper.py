"""A process of its own for each service on bare processes, started by path: it outlives the worker.

It starts the command in a session of its own under resource limits, adopts what the command leaves behind (Linux),
keeps what it says within two files of bounded size, and writes how it ended. It ends all of it when it is told to
(SIGTERM), and when the folder of its log is removed.
Without it nobody could tell, after the worker's end, what a service said last and with which code it ended.

The first argument is JSON: `command`, `folder`, `environment`, `limits` (by names of `resource`), `log` and `exit`
(files), `log_limit` (bytes), `grace` and `timeout` (seconds; None: none), `parent` (it ends with that process; None:
never).
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"
NOT_FOUND = 127
CHUNK = 65_536
BEAT = 0.25
"""Seconds between looks at the clock and the parent."""
KILL_PATIENCE = 5.0
RESET = (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that Python, or whoever started this, may ignore; a service starts with the usual ones."""


class Log:
    """Two files of half the limit each: the newer one, and the one before it (`.1`)."""

    def __init__(self, path: str, limit: int) -> None:
        self._path, self._half = path, limit // 2
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._size = 0

    def add(self, data: bytes) -> None:
        """Write, and turn to the next file where this one is full. A full disk loses the log, not the service."""
        with contextlib.suppress(OSError):
            os.write(self._file, data)
        self._size += len(data)
        if self._size >= self._half:
            os.close(self._file)
            os.replace(self._path, f"{self._path}.1")  # noqa: PTH105 - pathlib takes longer to load than this to start
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            self._size = 0


def main() -> None:
    """Keep one service until it ends."""
    request = json.loads(sys.argv[1])
    told: list[int] = []
    wake, waking = os.pipe()
    for descriptor in (wake, waking):
        os.set_blocking(descriptor, False)
    signal.signal(signal.SIGTERM, lambda number, _: told.append(number))
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    if LINUX:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
    reading, writing = os.pipe()
    command = os.fork()
    if command == 0:
        _become(request, writing)
    os.close(writing)
    log = Log(request["log"], request["log_limit"])
    code = Keeping(request, command, reading, wake, log).follow(told)
    _kill_everything(command, wake)
    os.set_blocking(reading, False)
    with contextlib.suppress(BlockingIOError):
        while data := os.read(reading, CHUNK):
            log.add(data)
    # Its files may be gone.
    with contextlib.suppress(OSError):
        _write_exit(request["exit"], code)


class Keeping:
    """The relay between a command and its log."""

    def __init__(self, request: dict[str, Any], command: int, reading: int, wake: int, log: Log) -> None:
        self._request, self._command, self._log = request, command, log
        self._reading, self._wake = reading, wake
        self._watched = [reading, wake]

    def follow(self, told: list[int]) -> int:
        """Relay output until the command ends, by itself or because it has to; its exit code."""
        until = time.monotonic() + self._request["timeout"] if self._request["timeout"] else None
        killed_at: float | None = None
        while True:
            self._relay()
            code = _reap().get(self._command)
            if code is not None:
                return code
            now = time.monotonic()
            if killed_at is None and (told or _is_orphaned(self._request)):
                killed_at = now + self._request["grace"]
                _signal(-self._command, signal.SIGTERM)
            if any(limit is not None and now > limit for limit in (killed_at, until)):
                return -int(signal.SIGKILL)

    def _relay(self) -> None:
        ready, _, _ = select.select(self._watched, [], [], BEAT)
        if self._wake in ready:
            _drain(self._wake)
        if self._reading in ready:
            data = os.read(self._reading, CHUNK)
            self._log.add(data)
            self._watched = self._watched if data else [self._wake]


def _is_orphaned(request: dict[str, Any]) -> bool:
    """Whether the worker that it was tied to is gone, or its files are: then nobody can ask for it any more."""
    if request["parent"] is not None and os.getppid() != request["parent"]:
        return True
    return not os.path.isdir(os.path.dirname(request["log"]))  # noqa: PTH112, PTH120 - as above


def _write_exit(path: str, code: int) -> None:
    file = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(file, str(code).encode())
    os.close(file)
    os.replace(f"{path}.new", path)  # noqa: PTH105 - as above


def _become(request: dict[str, Any], output: int) -> NoReturn:
    """Turn this process into the service."""
    try:
        signal.set_wakeup_fd(-1)
        for number in RESET:
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        if LINUX:
            _prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        for name, value in request["limits"].items():
            kind = getattr(resource, name)
            hard = resource.getrlimit(kind)[1]
            allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(kind, (allowed, allowed))
        os.umask(0o022)
        os.chdir(request["folder"])
        os.execvpe(request["command"][0], request["command"], request["environment"])  # noqa: S606 - that is its purpose
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        os.write(2, f"{request['command'][0]}: cannot be started: {reason}\n".encode(errors="replace"))
    os._exit(NOT_FOUND)


def _prctl(option: int, argument: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused")


def _reap() -> dict[int, int]:
    """The children that have ended, with their exit codes."""
    ended: dict[int, int] = {}
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            ended[pid] = os.waitstatus_to_exitcode(status)
    return ended


def _kill_everything(command: int, wake: int) -> None:
    """Kill the command's group, then whatever this process has adopted until nothing is left."""
    _signal(-command, signal.SIGKILL)
    give_up = time.monotonic() + KILL_PATIENCE
    while time.monotonic() < give_up:
        _reap()
        children = _children()
        if not children:
            return
        for child in children:
            _signal(child, signal.SIGKILL)
        select.select([wake], [], [], 0.01)
        _drain(wake)


def _children() -> list[int]:
    try:
        file = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return []
    listed = os.read(file, CHUNK)
    os.close(file)
    return [int(pid) for pid in listed.split()]


def _signal(target: int, number: int) -> None:
    # Gone already, or a zombie leads the group (macOS).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(target, number)


def _drain(wake: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(wake, 512):
            pass


if __name__ == "__main__":
    main()
