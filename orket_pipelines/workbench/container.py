"""Workbenches whose commands run in a hardened container without network: one per workbench, one exec per command.

The deadline is enforced inside; everything that a command started is killed before the next. Where that is not certain,
because the command did not end in order, the container is removed, and the next command gets a new one. So /tmp and
the home are empty again after a command that was killed.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.model import ContainerLimits, EngineFacts, Labels
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.model import CHECKOUT_TARGET, Installer
from orket_pipelines.errors import ContainerError, EngineUnavailable, InstallFailed, Stopped, WorkbenchError
from orket_pipelines.store.failpoints import failpoint, reach
from orket_pipelines.workbench.cell import Cell
from orket_pipelines.workbench.enclosure import (
    KILL_ALL,
    KILLED,
    SERVER_VARIABLES,
    SIGNALED,
    Frame,
    enclose,
    read_exit,
    refused,
    serve,
    server_user,
    too_large,
    unstarted,
    was_signaled,
    why_ended,
    why_unstartable,
)
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.output import Output
from orket_pipelines.workbench.servers import Servers, SharedOutput
from orket_pipelines.workbench.tree import hand_over, identity, measure
from orket_pipelines.workbench.watch import Bounds, End, Watch

BEFORE_EXEC = failpoint("workbench.before_exec")
AFTER_EXEC = failpoint("workbench.after_exec")
BEFORE_CLOSE = failpoint("workbench.before_close")
AFTER_CLOSE = failpoint("workbench.after_close")

TICK = 0.2
"""Seconds between looks at the stop flag while another command of the workbench runs."""
CLOSE_PATIENCE = 10.0
"""Seconds that a command under way gets to be ended when its workbench is closed."""


def preflight_container(facts: EngineFacts) -> str:
    """What isolation is in force, in one line."""
    uid, _ = command_user()
    return (
        f"isolation: commands run in containers of engine {facts.version} ({facts.tier}) as user {uid}, without "
        "network, capabilities or this machine's files, within limits of memory, processes and time"
    )


class ContainerWorkbenches:
    """Opens workbenches. `labels` name this worker; its purpose is that of every container here."""

    def __init__(
        self,
        engine: Engine,
        installer: Installer,
        *,
        image: str,
        labels: Labels,
        limits: ContainerLimits | None = None,
        bounds: Bounds | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._engine = engine
        self._installer = installer
        self._frame = Frame(image, labels, limits or ContainerLimits(), command_user())
        self._bounds = bounds or Bounds()
        self._clock = clock or SystemClock()

    def open(self, checkout: Path, *, name: str, stop: threading.Event | None = None) -> "ContainerWorkbench":
        """A workbench over `checkout`, as the port says; its container is started by the first command.

        Raises: WorkbenchError where that is no folder.
        """
        checkout = checkout.absolute()
        if not checkout.is_dir():
            raise WorkbenchError(f"{checkout}: no workbench can be opened there, because it is not a folder")
        cell = Cell(self._engine, self._installer, frame=self._frame, checkout=checkout, name=name, clock=self._clock)
        return ContainerWorkbench(cell, self._engine, self._bounds, stop or threading.Event())


class ContainerWorkbench:
    """One issue's place of work. Usable from many threads; one command runs at a time."""

    isolation = "container"

    def __init__(self, cell: Cell, engine: Engine, bounds: Bounds, stop: threading.Event) -> None:
        self._cell = cell
        self._engine = engine
        self._bounds = bounds
        self._stop = stop
        self._closed = threading.Event()
        self.servers = Servers()
        self._turn = threading.Lock()
        self._hand_over()
        self._found = measure(self.checkout, most=bounds.counted)

    @property
    def checkout(self) -> Path:
        """The throwaway clone, as a path of this host."""
        return self._cell.checkout

    def run(
        self,
        command: Sequence[str],
        *,
        deadline: float,
        environment: Mapping[str, str] | None = None,
        output_limit: int = 64_000,
    ) -> Execution:
        """Run `command` as the port says. Raises also: EngineUnavailable, where the engine is lost; ContainerError."""
        if (reason := why_unstartable(command, environment or {})) is not None:
            return unstarted(reason)
        with self._taking_turns(command[0]):
            self._hand_over()
            if (reason := self._why_too_full()) is not None:
                return refused(reason)
            try:
                container = self._cell.enter(self._stop)
            except InstallFailed as error:
                return refused(f"{error}\n{error.next_step}")
            output = Output(output_limit)
            watch = self._watch(output, deadline)
            code = self._execute(container, enclose(command, deadline), environment, watch)
            return self._conclude(code, command[0], deadline, watch, output)

    def start_server(self, name: str, command: Sequence[str]) -> str | None:
        """Run a server as a user of its own: the end of a command kills the commands' processes, not these."""
        if (reason := why_unstartable(command, {})) is not None:
            return reason
        with self._taking_turns(command[0]):
            self._hand_over()
            try:
                container = self._cell.enter(self._stop)
            except InstallFailed as error:
                return f"{error}\n{error.next_step}"
            return self.servers.start(name, lambda slot: partial(self._serve, container, command, slot))

    def _serve(
        self,
        container: str,
        command: Sequence[str],
        slot: int,
        output: SharedOutput,
        should_stop: Callable[[], bool],
    ) -> int | None:
        """Run a server to its end, and kill all that its user left behind."""
        user = server_user(slot, self._cell.user)

        def ended() -> bool:
            return should_stop() or self._stop.is_set() or self._closed.is_set()

        try:
            return self._engine.execute(
                container,
                serve(command),
                output=output.add,
                environment=SERVER_VARIABLES,
                folder=CHECKOUT_TARGET,
                user=user,
                should_stop=ended,
            )
        finally:
            with suppress(EngineUnavailable, ContainerError):
                self._engine.execute(container, KILL_ALL, output=lambda _data: None, user=user)

    def close(self) -> None:
        """End what runs and remove the container; where the engine is away, the reaper does it by the labels."""
        self._closed.set()
        self.servers.close()
        in_turn = self._turn.acquire(timeout=CLOSE_PATIENCE)
        reach(BEFORE_CLOSE)
        try:
            with suppress(EngineUnavailable, ContainerError):
                self._cell.leave()
            self.servers.wait()
        finally:
            if in_turn:
                self._turn.release()
        reach(AFTER_CLOSE)

    @contextmanager
    def _taking_turns(self, program: str) -> Iterator[None]:
        while not self._turn.acquire(timeout=TICK):
            self._demand_going_on(program)
        try:
            self._demand_going_on(program)
            yield
        finally:
            self._turn.release()

    def _demand_going_on(self, program: str) -> None:
        if self._closed.is_set():
            raise WorkbenchError(f"the workbench of {self._cell.name} is closed")
        if self._stop.is_set():
            raise Stopped(f"stopped before {program} was started")

    def _hand_over(self) -> None:
        """Give the commands' user what this host wrote into the checkout."""
        identity(self.checkout)
        if os.geteuid() == 0:
            hand_over(self.checkout, self._cell.user, most=self._bounds.counted)

    def _why_too_full(self) -> str | None:
        """Why nothing runs before files are deleted, which this host's own tools can do; None where there is room."""
        if self._bounds.exceeded_by(self._found):
            self._found = measure(self.checkout, most=self._bounds.counted)
        if self._bounds.exceeded_by(self._found, factor=2):
            return f"not run: {too_large(self._bounds, self._found)}. Delete files first."
        return None

    def _watch(self, output: Output, deadline: float) -> Watch:
        before, stop, closed = self._found, self._stop, self._closed
        return Watch(self.checkout, self._bounds, before, output=output, deadline=deadline, stop=stop, closed=closed)

    def _execute(
        self, container: str, command: Sequence[str], environment: Mapping[str, str] | None, watch: Watch
    ) -> int | None:
        """The exit code of the script; None where the command was ended from outside, the container with it."""
        reach(BEFORE_EXEC)
        try:
            code = self._engine.execute(
                container,
                command,
                output=watch.take,
                environment=environment,
                folder=CHECKOUT_TARGET,
                user=self._cell.user,
                should_stop=watch.should_stop,
            )
        except EngineUnavailable:
            self._cell.distrust()
            raise
        except ContainerError:
            if self._cell.runs():
                raise
            watch.take(b"\n[killed: the container ended]\n")
            code = SIGNALED + KILLED
        reach(AFTER_EXEC)
        return code

    def _conclude(self, code: int | None, program: str, deadline: float, watch: Watch, output: Output) -> Execution:
        seconds = watch.seconds
        if code is None or was_signaled(code):
            self._give_up_container(code, output)
        if code is None and watch.ended is End.STOPPED:
            raise Stopped(f"stopped while a command of {self._cell.name} was running")
        # The first time that the container itself could have noticed is past; so it was that.
        late = code == SIGNALED + KILLED and seconds >= deadline
        timed_out = late or (code is None and watch.ended is End.OVERDUE)
        exit_code, text = (-KILLED, output.text()) if code is None else read_exit(code, output.text(), program)
        if code is None and watch.ended is not None:
            text += why_ended(watch.ended, self._bounds)
        text += self._why_overfull()
        return Execution(None if timed_out else exit_code, text, output.truncated, seconds, timed_out=timed_out)

    def _give_up_container(self, code: int | None, output: Output) -> None:
        """Remove the container: nobody has seen to it that all the command's processes are gone."""
        if code == SIGNALED + KILLED and self._cell.out_of_memory():
            output.add(b"\n[killed: the container's memory was used up]\n")
        self._cell.leave()

    def _why_overfull(self) -> str:
        """A line where a command left more in the checkout than there may be."""
        self._found = measure(self.checkout, most=self._bounds.counted)
        if not self._bounds.exceeded_by(self._found):
            return ""
        return f"\n[{too_large(self._bounds, self._found)}: delete what is not needed]\n"
