"""What a command on a workbench is, and what comes of it. One port, for processes and hardened containers."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orket_pipelines.workbench.servers import Servers


@dataclass(frozen=True, slots=True)
class Execution:
    """A command that ran. `exit_code` is negative where a signal ended it (-9: killed) and None where the deadline did.

    `output` is standard output and error as they came, decoded with replacement, cut in the middle where it was longer
    than the limit; `truncated` counts the bytes left out. `seconds` is wall time.
    """

    exit_code: int | None
    output: str
    truncated: int
    seconds: float
    timed_out: bool

    @property
    def succeeded(self) -> bool:
        return self.exit_code == 0


class Workbench(Protocol):
    """One issue's place of work."""

    @property
    def checkout(self) -> Path:
        """The throwaway clone, as a path of this host."""

    @property
    def isolation(self) -> str:
        """`process` or `container`; `memory` for the fake, which runs nothing."""

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        environment: Mapping[str, str] | None = None,
        output_limit: int = 64_000,
    ) -> Execution:
        """Run `command` in the checkout with closed standard input; whatever it started is gone when this returns.

        `deadline` is in seconds from now. `environment` adds to the scrubbed one. A command that cannot be started
        (no such program) comes back with exit code 127 and the reason as output. Raises: WorkbenchError where the
        workbench itself is gone; Stopped where a stop was asked for before the command ended; EngineUnavailable and
        ContainerError where commands run in containers.
        """

    @property
    def servers(self) -> Servers:
        """What was started with `start_server`."""

    def start_server(self, name: str, command: Sequence[str]) -> str | None:
        """Run `command` beside the commands, which reach it on the loopback, until it ends, is stopped, or the
        workbench is closed; why not, where it cannot be. In a container it can read the checkout, not change it.

        Raises: as `run`.
        """

    def close(self) -> None:
        """Stop everything that still runs there; the checkout stays."""


class Workbenches(Protocol):
    """Opens workbenches."""

    def open(self, checkout: Path, *, name: str, stop: threading.Event | None = None) -> Workbench:
        """A workbench over `checkout`; `name` (the issue) labels what runs there.

        Once `stop` is set, commands end within a second and raise Stopped.
        """
