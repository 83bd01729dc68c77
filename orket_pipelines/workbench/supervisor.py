"""A process of its own, started once per worker by path, that starts commands and sees to their end.

It runs nothing of the product and imports next to nothing, so that a fork of it is cheap, and safe where the worker has
threads. For each command it forks a supervisor, which

- adopts all orphans of the command (Linux), so that nothing escapes by a double fork or a session of its own,
- starts the command in its own session, under resource limits,
- kills everything when the command ends, when it is told to, or when the worker is gone: the socket then closes, also
  after `kill -9`.

The worker hands over one socket per command, on which it sends a request (a length and JSON) and the write end of the
output pipe; the answer is JSON: `status` (as Popen.returncode), `left` (processes that would not die), or `error`.
"""

import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
HEADER = 8
"""Bytes of the length in front of a request."""
KILL_PATIENCE = 5.0
"""Seconds that killed processes get to go away; one in an uninterruptible wait may take longer."""
NOT_FOUND = 127
RESET = (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that Python, or whoever started the worker, may ignore; a command starts with the usual ones."""
LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


def main() -> None:
    """Serve commands until the worker closes its end."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # supervisors answer by socket; nobody waits for them
    gc.disable()  # a collection would copy the pages that forks share
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not message:
            return
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - a command must not reach its own supervisor's socket
        if os.fork() == 0:
            control.close()
            _supervise(socket.socket(fileno=descriptors[0]), descriptors[1])
        for descriptor in descriptors:
            os.close(descriptor)


def _supervise(worker: socket.socket, output: int) -> NoReturn:
    """One command, from its request to its answer."""
    try:
        answer = _answer(worker, output)
        worker.sendall(json.dumps(answer).encode())
        worker.shutdown(socket.SHUT_RDWR)  # rather than at exit, which takes this process a while
    except OSError:
        os._exit(1)  # the worker is gone
    os._exit(0)


def _answer(worker: socket.socket, output: int) -> dict[str, Any]:
    length = int.from_bytes(_receive(worker, HEADER))
    request = json.loads(_receive(worker, length))
    if LINUX:
        _prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeup = _wake_on_child()
    try:
        os.chdir(request["folder"])
        command = os.fork()
    except OSError as error:
        return {"error": f"{request['folder']}: {error.strerror}"}
    if command == 0:
        _become(request, output)
    os.close(output)
    status = _wait(command, worker, wakeup)
    left = _kill_everything(command, wakeup)
    # Where the command was still running, it has been killed just now.
    return {"status": -int(signal.SIGKILL) if status is None else status, "left": left}


def _receive(worker: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        more = worker.recv(length - len(received))
        if not more:
            os._exit(1)  # the worker died before it said what to run
        received += more
    return received


def _prctl(option: int, argument: int) -> None:
    if _libc is not None and _libc.prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl refused")


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child ends."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    return reading


def _become(request: dict[str, Any], output: int) -> NoReturn:
    """Turn this process into the command."""
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
            _limit(getattr(resource, name), value)
        os.umask(0o022)
        os.execvpe(request["command"][0], request["command"], request["environment"])  # noqa: S606 - that is its purpose
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        os.write(2, f"{request['command'][0]}: cannot be started: {reason}\n".encode(errors="replace"))
    os._exit(NOT_FOUND)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (allowed, allowed))


def _wait(command: int, worker: socket.socket, wakeup: int) -> int | None:
    """How the command ended; None where the worker closed its end first. Orphans that end are reaped on the way."""
    while True:
        watched: list[Any] = [worker, wakeup]
        ready, _, _ = select.select(watched, [], [])
        if wakeup in ready:
            _drain(wakeup)
            ended = _reap()
            if command in ended:
                return ended[command]
        if worker in ready and not worker.recv(1):
            return None


def _drain(wakeup: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(wakeup, 512):
            pass


def _reap() -> dict[int, int]:
    """The children that have ended, with their exit codes."""
    ended: dict[int, int] = {}
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return ended
            ended[pid] = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        return ended


def _kill_everything(command: int, wakeup: int) -> int:
    """Kill the command's group at once, then whatever this process has adopted until nothing is left.

    How many processes would not die within the patience.
    """
    _kill(-command)
    give_up = time.monotonic() + KILL_PATIENCE
    while True:
        _reap()
        children = _children()
        if not children or time.monotonic() > give_up:
            return len(children)
        for child in children:
            _kill(child)
        select.select([wakeup], [], [], 0.01)
        _drain(wakeup)


def _kill(target: int) -> None:
    # Gone already, or a zombie leads the group (macOS).
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(target, signal.SIGKILL)


def _children() -> list[int]:
    """The processes whose parent this is; those of the kernel's list, which is read again until it is empty."""
    try:
        # Not through open(), whose codecs would be loaded anew in every fork.
        file = os.open(f"/proc/self/task/{os.getpid()}/children", os.O_RDONLY)
    except OSError:
        return []
    listed = os.read(file, 65_536)
    os.close(file)
    return [int(pid) for pid in listed.split()]


if __name__ == "__main__":
    main()
