"""Workbenches that run nothing: commands are answered from memory. For benches, crash sweeps and tests."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.servers import Servers, SharedOutput

TICK = 0.01
Answer = Callable[[Path, Sequence[str]], Execution]
"""What comes of a command in a checkout."""


def ended(exit_code: int = 0, output: str = "") -> Execution:
    """A command that ended at once."""
    return Execution(exit_code, output, truncated=0, seconds=0.0, timed_out=False)


class MemoryWorkbenches:
    """Answers every command by `answers`: a mapping from the whole command, or a function of checkout and command.

    A command that the mapping does not know is not found (127); without `answers`, every command succeeds and says
    nothing. `commands` holds what was run, in order.
    """

    def __init__(self, answers: Mapping[tuple[str, ...], Execution] | Answer | None = None) -> None:
        self._answer = answers if callable(answers) else _look_up(answers)
        self.commands: list[tuple[str, ...]] = []

    def open(self, checkout: Path, *, name: str, stop: threading.Event | None = None) -> "MemoryWorkbench":
        """A workbench over `checkout`, which may be missing. Nothing there takes time, so nothing is stopped."""
        del stop
        return MemoryWorkbench(checkout, name, self._answer, self.commands)


class MemoryWorkbench:
    """One issue's place of work, in memory; the files of its checkout are real."""

    isolation = "memory"

    def __init__(self, checkout: Path, name: str, answer: Answer, commands: list[tuple[str, ...]]) -> None:
        self.checkout = checkout
        self._name = name
        self._answer = answer
        self._commands = commands
        self._closed = False
        self.servers = Servers()

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        environment: Mapping[str, str] | None = None,
        output_limit: int = 64_000,
    ) -> Execution:
        """The answer to `command`. Raises: WorkbenchError where the workbench is closed."""
        del deadline, environment, output_limit
        if self._closed:
            raise WorkbenchError(f"the workbench of {self._name} is closed")
        self._commands.append(tuple(command))
        return self._answer(self.checkout, command)

    def start_server(self, name: str, command: Sequence[str]) -> str | None:
        """A server that says its answer, and then runs until it is stopped if that is a success."""
        said = self.run(command, deadline=0)

        def serve(output: SharedOutput, should_stop: Callable[[], bool]) -> int | None:
            output.add(said.output.encode())
            while said.succeeded and not (should_stop() or self._closed):
                time.sleep(TICK)
            return None if said.succeeded else said.exit_code

        return self.servers.start(name, lambda _slot: serve)

    def close(self) -> None:
        """Take no more commands."""
        self._closed = True
        self.servers.close()


def _look_up(answers: Mapping[tuple[str, ...], Execution] | None) -> Answer:
    def answer(_checkout: Path, command: Sequence[str]) -> Execution:
        unknown = ended() if answers is None else ended(127, f"{' '.join(command)}: not found\n")
        return (answers or {}).get(tuple(command), unknown)

    return answer
