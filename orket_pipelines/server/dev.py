"""`orket dev`: Dagster's web server and daemon on this machine, started together and ended together."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

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
    process = subprocess.Popen(command(port), env=environment(settings), start_new_session=True)
    with _passing_on_signals(process):
        status = process.wait()
    _end_group(process.pid)
    if status not in {0, -signal.SIGINT, -signal.SIGTERM}:
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


@contextmanager
def _passing_on_signals(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """An interrupt asks Dagster to end, which asks its runs; a second one, or too long a wait, kills all of it."""

    def kill(_signal: int, _frame: FrameType | None) -> None:
        _end_group(process.pid)

    def ask(_signal: int, _frame: FrameType | None) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, kill)
        process.send_signal(signal.SIGINT)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    handled = {signal.SIGINT: ask, signal.SIGTERM: ask, signal.SIGALRM: kill}
    before = {number: signal.signal(number, handler) for number, handler in handled.items()}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_group(group: int) -> None:
    """Kill whatever of the session still lives."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
