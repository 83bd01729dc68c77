"""An engine that runs nothing: the same port, the same allow-list, and programs that a test gives."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.containers import allow_list
from orket_pipelines.containers.answers import unavailable
from orket_pipelines.containers.labels import write_labels
from orket_pipelines.containers.memory_world import Held, World
from orket_pipelines.containers.model import (
    PURPOSE,
    Container,
    ContainerSpec,
    EngineFacts,
    Image,
    Network,
    NetworkSpec,
    Volume,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.containers.port import CREATED, REMOVED, Sink
from orket_pipelines.errors import ContainerError, PortTaken, SubnetTaken
from orket_pipelines.store.failpoints import reach
from orket_pipelines.store.journal import Entry

Program = Callable[[ContainerSpec, Sequence[str]], tuple[int | None, str]]
"""What comes of a command in a container of that spec: its exit code and output. A container's own command, which is
`spec.command`, goes on until it is stopped where the exit code is None."""

KILLED, TERMINATED = 137, 143
_PAUSE = 0.01


def runs_on(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
    """A container's own command goes on; every other one succeeds and says nothing."""
    return (None if tuple(command) == spec.command else 0), ""


class MemoryEngine:
    """Containers, networks and volumes in memory. With a `path` they are kept in that file and outlive the process.

    `programs` must bear to be asked twice: a process that was killed while one ran asks it again. Tests may set
    `unavailable` (the engine is down), `outages` (by a call's name: at which of its calls the engine goes down, and for
    how many calls of any name), `lost_answers` (calls by name that take effect and then seem to have failed, once
    each), `taken_ports`, `missing_images` and `start_failures` (image or container name: why); and read `journal`
    (what changed, oldest first), `asked` (calls by name) and `commands` (container name, command). Usable from many
    threads of one process.
    """

    def __init__(
        self, home: Path, programs: Program = runs_on, *, path: Path | None = None, clock: Clock | None = None
    ) -> None:
        self._home = home
        self._programs = programs
        self._lock = threading.RLock()
        self._world = World(path, clock or SystemClock())
        self.unavailable = False
        self.outages: dict[str, tuple[int, int]] = {}
        self._silent = 0
        self.lost_answers: set[str] = set()
        self.taken_ports: set[int] = set()
        self.missing_images: set[str] = set()
        self.start_failures: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.commands: list[tuple[str, tuple[str, ...]]] = []

    @property
    def journal(self) -> list[Entry]:
        """What changed: `{"call": "create", "container": …, "spec": …}` and so on."""
        with self._lock:
            return self._world.entries

    def run_out_of_memory(self, container: str) -> None:
        """The kernel kills the container."""
        with self._lock:
            killed = self._held(container).id
            self._world.record("exit", container=killed, code=KILLED, output="", out_of_memory=True)

    def end(self, container: str, exit_code: int, output: str = "") -> None:
        """The container's own command ends by itself."""
        with self._lock:
            self._world.record("exit", container=self._held(container).id, code=exit_code, output=output)

    def restart(self) -> None:
        """The engine is killed and comes back: containers are still there, and none runs."""
        with self._lock:
            for held in [held for held in self._world.containers.values() if held.running]:
                self._world.record("exit", container=held.id, code=KILLED, output="")

    def facts(self) -> EngineFacts:
        with self._asking("facts"):
            return EngineFacts("memory", "1.41", "memory", ("containers are pretended: nothing is isolated",))

    def find_image(self, name: str) -> Image | None:
        with self._asking("find_image"):
            return None if name in self.missing_images else _image(name)

    def pull(self, name: str) -> Image:
        with self._asking("pull"):
            self.missing_images.discard(name)
            return _image(name)

    def start(self, spec: ContainerSpec) -> Container:
        spec = allow_list.check(spec, self._home)
        with self._asking("start"):
            self._check_start(spec)
            made = self._world.create(spec)
            reach(CREATED)
            self._world.record("start", container=made.id)
        self._settle(made)
        with self._lock:
            return self._world.read(made)

    def find(self, name_or_id: str) -> Container | None:
        with self._asking("find"):
            held = self._world.find(name_or_id)
        if held is None:
            return None
        self._settle(held)
        with self._lock:
            return self._world.read(held)

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        with self._asking("containers"):
            every = [self._world.read(held) for held in self._world.containers.values()]
            return [found for found in every if labels.items() <= found.labels.items()]

    def execute(
        self,
        container: str,
        command: Sequence[str],
        *,
        output: Sink,
        environment: Mapping[str, str] | None = None,
        folder: str | None = None,
        user: tuple[int, int] | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> int | None:
        del folder
        allow_list.check_command(command, environment or {}, user)
        with self._asking("execute"):
            spec = self._running(container).spec
            self.commands.append((spec.name, tuple(command)))
        if should_stop():
            return None
        exit_code, said = self._programs(spec, command)
        if said:
            output(said.encode())
        with self._lock:
            self._running(container)
        return 0 if exit_code is None else exit_code

    def wait(self, container: str, *, should_stop: Callable[[], bool]) -> int | None:
        with self._asking("wait"):
            held = self._held(container)
        self._settle(held)
        while not should_stop():
            with self._lock:
                if not held.running:
                    return held.exit_code
            time.sleep(_PAUSE)
        return None

    def logs(self, container: str, *, tail: int = 1000, stamped: bool = False) -> str:
        with self._asking("logs"):
            held = self._held(container)
        self._settle(held)
        lines = held.output.splitlines(keepends=True)
        if stamped:
            # As its neighbours of the real engine do: what is later is greater as text, too.
            lines = [f"{number:09d} {line}" for number, line in enumerate(lines)]
        return "".join(lines[-tail:])

    def remove(self, container: str) -> None:
        with self._asking("remove"):
            held = self._world.find(container)
            if held is not None:
                self._world.record("remove", container=held.id)
                reach(REMOVED)

    def stop(self, container: str, *, grace: float) -> None:
        del grace
        with self._asking("stop"):
            held = self._held(container)
            if held.running:
                self._world.record("exit", container=held.id, code=TERMINATED, output="")

    def create_network(self, spec: NetworkSpec) -> Network:
        allow_list.check_network(spec)
        with self._asking("create_network"):
            if spec.name in self._world.networks:
                raise ContainerError(f"create network {spec.name}: there is one of that name")
            if overlapping := self._world.overlapping(spec.subnet):
                raise SubnetTaken(f"create network {spec.name}: {spec.subnet} overlaps with that of {overlapping}")
            return self._world.create_network(spec)

    def connect(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        with self._asking("connect"):
            held = self._held(container)
            labels = write_labels(held.spec.labels)
            joined = self._network(network)
            allow_list.check_attachment(labels, labels[PURPOSE], joined)
            self._world.record("connect", container=held.id, network=joined.name, aliases=list(aliases))

    def networks(self, labels: Mapping[str, str]) -> list[Network]:
        with self._asking("networks"):
            return [found for found in self._world.networks.values() if labels.items() <= found.labels.items()]

    def remove_network(self, name: str) -> None:
        with self._asking("remove_network"):
            found = self._world.find_network(name)
            if found is not None:
                self._world.record("remove_network", network=found.name)

    def remove_idle_network(self, name: str) -> None:
        with self._asking("remove_idle_network"):
            found = self._world.find_network(name)
            if found is None:
                return
            if user := self._world.on(found.name):
                raise ContainerError(f"remove network {name}: container {user} is attached")
            self._world.record("remove_network", network=found.name)

    def create_volume(self, spec: VolumeSpec) -> Volume:
        allow_list.check_volume(spec)
        with self._asking("create_volume"):
            return self._world.create_volume(spec)

    def volumes(self, labels: Mapping[str, str]) -> list[Volume]:
        with self._asking("volumes"):
            return [found for found in self._world.volumes.values() if labels.items() <= found.labels.items()]

    def remove_volume(self, name: str) -> None:
        with self._asking("remove_volume"):
            if user := self._world.user_of(name):
                raise ContainerError(f"remove volume {name}: it is in use by container {user}")
            if name in self._world.volumes:
                self._world.record("remove_volume", volume=name)

    @contextmanager
    def _asking(self, call: str) -> Iterator[None]:
        """One call of the port, alone; down where a test says so."""
        with self._lock:
            self.asked[call] += 1
            if self._is_down(call):
                raise unavailable(call, "a test says that it is down")
            yield
            if call in self.lost_answers:
                self.lost_answers.remove(call)
                raise unavailable(call, "a test says that its answer was lost")

    def _is_down(self, call: str) -> bool:
        at, lasting = self.outages.get(call, (0, 0))
        if self.asked[call] == at:
            self._silent = lasting
        self._silent -= 1
        return self.unavailable or self._silent >= 0

    def _check_start(self, spec: ContainerSpec) -> None:
        labels = write_labels(spec.labels)
        if spec.network is not None:
            allow_list.check_attachment(labels, spec.labels.purpose, self._network(spec.network))
        for mount in spec.mounts:
            if isinstance(mount, VolumeMount):
                found = self._world.volumes.get(mount.volume)
                if found is None:
                    raise ContainerError(f"start container {spec.name}: there is no volume {mount.volume}")
                allow_list.check_ownership(labels, f"volume {found.name!r}", found.labels)
        if spec.image in self.missing_images:
            raise ContainerError(f"start container {spec.name}: No such image: {spec.image}")
        if self._world.find(spec.name):
            raise ContainerError(f"start container {spec.name}: there is one of that name")
        for port in {port.host_port for port in spec.ports} & (self.taken_ports | self._world.ports()):
            raise PortTaken(f"start container {spec.name}: port {port} is already allocated")
        if failure := self.start_failures.get(spec.name) or self.start_failures.get(spec.image):
            raise ContainerError(f"start container {spec.name}: {failure}")

    def _settle(self, held: Held) -> None:
        """Let the container's own command come to what it comes to, outside the lock: it may wait for other threads."""
        with held.settling:
            if not held.running or held.settled:
                return
            exit_code, said = self._programs(held.spec, held.spec.command)
            with self._lock:
                if held.running:
                    self._world.record(
                        "exit" if exit_code is not None else "say", container=held.id, code=exit_code, output=said
                    )

    def _held(self, container: str) -> Held:
        held = self._world.find(container)
        if held is None:
            raise ContainerError(f"there is no container {container}")
        return held

    def _running(self, container: str) -> Held:
        held = self._held(container)
        if not held.running:
            raise ContainerError(f"container {container} is not running")
        return held

    def _network(self, name: str) -> Network:
        found = self._world.find_network(name)
        if found is None:
            raise ContainerError(f"there is no network {name}")
        return found


def _image(name: str) -> Image:
    return Image(id=f"sha256:{name}", name=name, size=0)
