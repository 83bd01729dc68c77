"""The engine as the rooms above see it: Docker's, or the shipped fake in memory."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from orket_pipelines.containers.model import (
    Container,
    ContainerSpec,
    EngineFacts,
    Image,
    Network,
    NetworkSpec,
    Volume,
    VolumeSpec,
)
from orket_pipelines.store.failpoints import failpoint

CREATED = failpoint("containers.created")
"""Between creation and start, where a kill leaves a container that has never run: the reaper's."""
REMOVED = failpoint("containers.removed")
"""After the removal of a container, with what belongs to it still there."""

Sink = Callable[[bytes], None]
"""Takes output as it comes."""


class Engine(Protocol):
    """Every method raises EngineUnavailable where the engine does not answer (a wait, never "there is none"), and
    ContainerError where it refuses. Usable from many threads."""

    def facts(self) -> EngineFacts:
        """Which engine answers."""

    def find_image(self, name: str) -> Image | None:
        """The image here, without pulling it."""

    def pull(self, name: str) -> Image:
        """Fetch an image from its registry."""

    def start(self, spec: ContainerSpec) -> Container:
        """Create and start a container. Raises: SpecRefused where the spec asks for more than the allow-list grants,
        PortTaken where a host port is in use; nothing is left behind then."""

    def find(self, name_or_id: str) -> Container | None:
        """The container, running or not."""

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Every container, running or not, that bears all of these labels."""

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
        """Run a command in a running container, without terminal and standard input.

        `user` is (uid, gid), never 0; None is the container's own. Where it is another, what the command does cannot
        reach the process that keeps the container running.

        Its exit code; None where `should_stop` (asked several times a second) said so first: the command then still
        runs, and whoever asked ends the container. Raises: ContainerError where the container is not running.
        """

    def wait(self, container: str, *, should_stop: Callable[[], bool]) -> int | None:
        """The exit code of the container's own command; None where `should_stop` said so first."""

    def logs(self, container: str, *, tail: int = 1000, stamped: bool = False) -> str:
        """The end of what its own command said, decoded with replacement. Where `stamped`, each line begins with the
        time at which it was said, which no other line of the container has, and a blank."""

    def remove(self, container: str) -> None:
        """Kill and remove a container and its anonymous volumes; nothing happens where it is gone."""

    def stop(self, container: str, *, grace: float) -> None:
        """Ask its command to end, and kill it `grace` seconds later; it stays, stopped."""

    def create_network(self, spec: NetworkSpec) -> Network:
        """A bridge of its own. Raises: SubnetTaken where the subnet overlaps another."""

    def connect(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        """Attach a running container to a further network of ours."""

    def networks(self, labels: Mapping[str, str]) -> list[Network]:
        """Every network with all of these labels."""

    def remove_network(self, name: str) -> None:
        """By name or id: detach whatever is attached and remove it; nothing happens where it is gone."""

    def remove_idle_network(self, name: str) -> None:
        """By name or id: remove it; nothing happens where it is gone. Raises: ContainerError while something that runs
        is attached."""

    def create_volume(self, spec: VolumeSpec) -> Volume:
        """An empty volume."""

    def volumes(self, labels: Mapping[str, str]) -> list[Volume]:
        """Every volume with all of these labels."""

    def remove_volume(self, name: str) -> None:
        """Remove it; nothing happens where it is gone. Raises: ContainerError while it is in use."""
