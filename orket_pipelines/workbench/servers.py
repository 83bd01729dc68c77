"""Servers that run beside the commands of a workbench: started, listened to, stopped, and gone when it closes."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from orket_pipelines.errors import OrketError
from orket_pipelines.workbench.output import Output

MOST = 3
"""Servers that run at once on one workbench."""
OUTPUT_LIMIT = 20_000
FLOOD = 64 * 1024**2
"""Bytes of output that are kept of one, and after which it is ended."""
PATIENCE = 10.0
"""Seconds that a server gets to be gone once it is stopped."""


class SharedOutput(Output):
    """Output that one thread adds to while others read it. `flooded`: there was more than anybody could want."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def flooded(self) -> bool:
        return self._taken > FLOOD

    def add(self, data: bytes) -> None:
        """Take what came next."""
        with self._lock:
            self._taken += len(data)
            super().add(data)

    def text(self) -> str:
        """All that was kept so far."""
        with self._lock:
            return super().text()


Runner = Callable[[SharedOutput, Callable[[], bool]], int | None]
"""Runs a server to its end, or until the second argument says so; its exit code, None where it was ended."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How a server stands. `exit_code` is None while it runs, and where it was ended from outside."""

    name: str
    running: bool
    exit_code: int | None
    output: str
    truncated: int
    seconds: float


class Servers:
    """Those of one workbench, by name. Usable from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[str, _Server] = {}

    def start(self, name: str, runner_of: Callable[[int], Runner]) -> str | None:
        """Start a server in a free slot, in the place of an ended one of that name; why not, where it cannot be."""
        with self._lock:
            running = {each.slot for each in self._servers.values() if each.is_alive}
            known = self._servers.get(name)
            if known is not None and known.is_alive:
                return f"a server {name} is running already"
            slot = next((number for number in range(MOST) if number not in running), None)
            if slot is None:
                return f"{MOST} servers are running already, which is the limit"
            self._servers[name] = _Server(name, slot, runner_of(slot))
        return None

    def find(self, name: str) -> Serving | None:
        """How the server of that name stands; None where none was started here."""
        with self._lock:
            found = self._servers.get(name)
        return found.stands() if found is not None else None

    def stop(self, name: str) -> Serving | None:
        """End a server and whatever it started; how it stood at its end."""
        with self._lock:
            found = self._servers.get(name)
        if found is None:
            return None
        found.stop()
        found.wait()
        return found.stands()

    def close(self) -> None:
        """Tell all of them to end."""
        with self._lock:
            for server in self._servers.values():
                server.stop()

    def wait(self) -> None:
        """Until they have ended."""
        for server in list(self._servers.values()):
            server.wait()


class _Server:
    def __init__(self, name: str, slot: int, runner: Runner) -> None:
        self.slot = slot
        self._name = name
        self._said = SharedOutput(OUTPUT_LIMIT)
        self._stopping = threading.Event()
        self._exit_code: int | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(runner,), name=f"server {name}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stands(self) -> Serving:
        running, seconds = self.is_alive, time.monotonic() - self._began
        return Serving(self._name, running, self._exit_code, self._said.text(), self._said.truncated, seconds)

    def stop(self) -> None:
        self._stopping.set()

    def wait(self) -> None:
        self._thread.join(PATIENCE)

    def _run(self, runner: Runner) -> None:
        try:
            self._exit_code = runner(self._said, lambda: self._stopping.is_set() or self._said.flooded)
        except OrketError as error:
            self._said.add(f"\n[ended: {error}]\n".encode())
