"""The worker's side of the supervisor: starts it when first needed, hands it commands, notices when it is gone."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

SUPERVISOR = Path(__file__).with_name("supervisor.py")
HEADER = 8
EXIT_PATIENCE = 5.0


class Launcher:
    """One supervisor process for all commands of a worker: a fork of it takes 1-2 ms, a Python of its own 11 ms.

    Usable from many threads. It ends with its worker, however that ends.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._owner = 0
        self._finalizer: weakref.finalize[..., Any] | None = None

    def start(self, request: dict[str, Any]) -> tuple[socket.socket, int]:
        """Start a command; the socket that its answer comes on, and the descriptor to read its output from."""
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        try:
            self._hand_over([theirs.fileno(), writing])
            message = json.dumps(request).encode()
            ours.sendall(len(message).to_bytes(HEADER) + message)
        except BaseException:
            ours.close()
            os.close(reading)
            raise
        finally:
            theirs.close()
            os.close(writing)
        return ours, reading

    def close(self) -> None:
        """End the supervisor process; commands that still run go on under their own."""
        with self._lock:
            self._stop()

    def _hand_over(self, descriptors: list[int]) -> None:
        with self._lock:
            if self._control is not None and self._owner == os.getpid():
                # It may have been killed since; then another is started.
                with contextlib.suppress(OSError):
                    socket.send_fds(self._control, [b"c"], descriptors)
                    return
            self._stop()
            socket.send_fds(self._begin(), [b"c"], descriptors)

    def _begin(self) -> socket.socket:
        control, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # A Ctrl-C in the worker's terminal is for the worker, which stops its commands in order.
                start_new_session=True,
                env={},
            )
        self._control, self._owner = control, os.getpid()
        self._finalizer = weakref.finalize(self, _end, control, process, os.getpid())
        return control

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._control = self._finalizer = None


def _end(control: socket.socket, process: subprocess.Popen[bytes], owner: int) -> None:
    control.close()
    if os.getpid() != owner:
        return  # a fork of the worker: the process is not its child
    try:
        process.wait(EXIT_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
