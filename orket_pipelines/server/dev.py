"""`orket dev`: Dagster's web server and daemon on this machine, started together and ended together."""

import os
import signal
import socket
import subprocess
import sys
from types import FrameType
from typing import Any, Self

from orket_pipelines.errors import OrketError
from orket_pipelines.server.dagster_home import write_dagster_home
from orket_pipelines.settings import Settings, application_folder

ADDRESS = "127.0.0.1"
PATIENCE = 30.0
"""Seconds for runs to checkpoint and processes to end after an interrupt; what is left then is killed."""


def run(settings: Settings, port: int = 3000) -> None:
    """Serve until interrupted.

    Raises: OrketError where the port is taken, or Dagster ends by itself.
    """
    demand_free(port)
    given = environment(settings)
    with _Signals() as signals:
        # A session of its own, so that whatever Dagster started can be ended with it.
        process = subprocess.Popen(command(port), env=given, start_new_session=True)
        signals.pass_on_to(process)
        status = process.wait()
        _end_group(process.pid)
    if not signals.arrived:
        raise OrketError(
            f"Dagster ended by itself, with status {status}", next_step="Read its last lines above; then: orket doctor"
        )


def demand_free(port: int) -> None:
    """Raises: OrketError where somebody listens there already."""
    with socket.socket() as probe:
        # As the web server does: a port that only waits out its last connections is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise OrketError(
                f"port {port} of {ADDRESS} is not free: {error.strerror}",
                next_step=f"End what listens there, or take another port: orket dev --port {port + 1}",
            ) from error


def command(port: int) -> list[str]:
    """The processes' own launcher: one code server for both."""
    workspace = str(application_folder() / "workspace.yaml")
    return [sys.executable, "-m", "dagster", "dev", "-w", workspace, "-h", ADDRESS, "-p", str(port)]


def environment(settings: Settings) -> dict[str, str]:
    """Paths are absolute: Dagster's processes need not share our working directory."""
    home = write_dagster_home(settings)
    given = {"DAGSTER_HOME": str(home), "ORKET_HOME": str(settings.home.resolve())}
    return os.environ | given | {"DAGSTER_DISABLE_TELEMETRY": "yes"}


class _Signals:
    """The first interrupt asks Dagster to end, which asks its runs; a second one, or too long a wait, kills all of it.

    Handlers stand before the process starts: it would inherit a signal that a script's shell ignores.
    """

    def __init__(self) -> None:
        self.arrived = False
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        handlers = {signal.SIGINT: self._ask, signal.SIGTERM: self._ask, signal.SIGALRM: self._kill}
        self._before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_on_to(self, process: "subprocess.Popen[bytes]") -> None:
        """From now on; what came before is passed on at once."""
        self._process = process
        if self.arrived:
            process.send_signal(signal.SIGINT)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.arrived:
            self._kill(number, frame)
            return
        self.arrived = True
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)

    def _kill(self, _number: int, _frame: FrameType | None) -> None:
        if self._process is not None:
            _end_group(self._process.pid)


def _end_group(group: int) -> None:
    """Kill whatever of the session still lives."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
