"""The port `Engine` over the Docker SDK."""

import http
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from docker.errors import APIError, NotFound

from orket_pipelines.containers import allow_list, images, request
from orket_pipelines.containers.answers import (
    read_container,
    read_image,
    read_network,
    read_volume,
    unavailable,
)
from orket_pipelines.containers.connection import Connection, ping
from orket_pipelines.containers.contexts import find_endpoint
from orket_pipelines.containers.endpoint import Endpoint, Frames
from orket_pipelines.containers.isolation import Tier, choose_runtime, judge
from orket_pipelines.containers.labels import write_labels
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
from orket_pipelines.errors import ContainerError, OrketError
from orket_pipelines.store.failpoints import reach

TIMEOUT = 60.0
"""Seconds of silence after which a call is given up: a busy machine takes long to start a container."""
PREFLIGHT = 0.9
"""Seconds for each of connecting and greeting, so that `engine_answers` knows within two."""
REMOVAL = 30.0
"""Seconds to wait for a removal that somebody else has begun."""
SETTLING = 0.3
"""Seconds that a container whose command was killed is looked at, before the kill is held to be the command's own."""
KILLED = 137
"""The exit code of what SIGKILL ended: alone, or with its whole container."""
_PAUSE = 0.01
_Answer = TypeVar("_Answer")


def open_engine(home: Path, tier: Tier = "runc") -> "DockerEngine":
    """The engine that Docker's own programs would use, for the installation at `home`, isolating as `tier` says."""
    return DockerEngine(home, tier=tier)


def engine_answers() -> bool:
    """Whether an engine answers, known within two seconds."""
    try:
        ping(find_endpoint(), PREFLIGHT)
    except (OSError, ValueError):
        return False
    return True


class DockerEngine:
    """Docker's engine, or one that speaks as it does, found as Docker's own programs find it.

    `home` is ORKET_HOME: no folder elsewhere is mounted. Nothing is asked before the first call; usable from many
    threads.
    """

    def __init__(
        self, home: Path, *, endpoint: Endpoint | None = None, timeout: float = TIMEOUT, tier: Tier = "runc"
    ) -> None:
        self._home = home
        self._tier: Tier = tier
        self._connection = Connection(endpoint or find_endpoint(), timeout)

    def facts(self) -> EngineFacts:
        with self._connection.asking("ask the engine what it is") as client:
            version, info = client.version(), client.info()
        return judge(version, info, choose_runtime(self._tier, info))

    def find_image(self, name: str) -> Image | None:
        with self._connection.asking(f"look for image {name}") as client:
            told = _unless_missing(lambda: client.inspect_image(name))  # type: ignore[no-untyped-call]
        return None if told is None else read_image(name, told)

    def pull(self, name: str) -> Image:
        images.pull(self._connection, name)
        found = self.find_image(name)
        if found is None:
            raise ContainerError(f"pull image {name}: it is not there afterwards")
        return found

    def start(self, spec: ContainerSpec) -> Container:
        spec = allow_list.check(spec, self._home)
        self._check_belongings(spec)
        self._give_volumes(spec)
        asked = request.create_container(spec, self._runtime)
        with self._connection.asking(f"start container {spec.name}") as client:
            made = client.create_container_from_config(asked, spec.name)["Id"]  # type: ignore[no-untyped-call]
            reach(CREATED)
            try:
                client.start(made)
                return read_container(client.inspect_container(made))
            except BaseException:
                # What cannot be removed now bears labels, and the reaper goes by them.
                with suppress(Exception):
                    client.remove_container(made, v=True, force=True)
                raise

    def find(self, name_or_id: str) -> Container | None:
        with self._connection.asking(f"look for container {name_or_id}") as client:
            told = _unless_missing(lambda: client.inspect_container(name_or_id))
        return None if told is None else read_container(told)

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        with self._connection.asking("list containers") as client:
            listed = client.containers(all=True, filters=_filter(labels))
        found = [self.find(each["Id"]) for each in listed]
        return [container for container in found if container is not None]

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
        allow_list.check_command(command, environment or {}, user)
        attempt = f"run {command[0]} in container {container}"
        asked = request.create_exec(command, environment=environment or {}, folder=folder, user=user)
        with self._connection.asking(attempt) as client:
            made = client.exec_create(container, **asked)["Id"]
        frames, start = Frames(), {"Detach": False, "Tty": False}
        for data in self._connection.stream(attempt, f"/exec/{made}/start", should_stop, body=start, upgrade=True):
            if not data:
                return self._exit_code(attempt, container, made, should_stop)
            for piece in frames.feed(data):
                output(piece)
        return None

    def wait(self, container: str, *, should_stop: Callable[[], bool]) -> int | None:
        attempt, received = f"wait for container {container}", b""
        for data in self._connection.stream(attempt, f"/containers/{quote(container)}/wait", should_stop):
            received += data
            if not data:
                return _status_code(attempt, received)
        return None

    def logs(self, container: str, *, tail: int = 1000, stamped: bool = False) -> str:
        with self._connection.asking(f"read the log of container {container}") as client:
            told: bytes = client.logs(container, stdout=True, stderr=True, tail=tail, timestamps=stamped)
        return told.decode(errors="replace")

    def remove(self, container: str) -> None:
        with self._connection.asking(f"remove container {container}") as client:
            try:
                _unless_missing(lambda: client.remove_container(container, v=True, force=True))
            except APIError as error:
                if error.status_code != http.HTTPStatus.CONFLICT:
                    raise
                # Somebody else removes it right now.
                if not _await(lambda: _unless_missing(lambda: client.inspect_container(container)) is None, REMOVAL):
                    raise
        reach(REMOVED)

    def stop(self, container: str, *, grace: float) -> None:
        with self._connection.asking(f"stop container {container}") as client:
            client.stop(container, timeout=math.ceil(grace))

    def create_network(self, spec: NetworkSpec) -> Network:
        allow_list.check_network(spec)
        with self._connection.asking(f"create network {spec.name}") as client:
            made = client.create_network(**request.create_network(spec))
            return read_network(client.inspect_network(made["Id"]))

    def connect(self, network: str, container: str, *, aliases: Sequence[str] = ()) -> None:
        attempt = f"connect container {container} to network {network}"
        found = self.find(container)
        if found is None:
            raise ContainerError(f"{attempt}: there is no such container")
        allow_list.check_attachment(found.labels, found.labels.get(PURPOSE), self._network(network))
        with self._connection.asking(attempt) as client:
            client.connect_container_to_network(found.id, network, aliases=list(aliases))

    def networks(self, labels: Mapping[str, str]) -> list[Network]:
        with self._connection.asking("list networks") as client:
            return [read_network(told) for told in client.networks(filters=_filter(labels))]

    def remove_network(self, name: str) -> None:
        with self._connection.asking(f"remove network {name}") as client:
            told = _unless_missing(lambda: client.inspect_network(name))
            if told is None:
                return
            for attached in told.get("Containers") or ():
                # It may have gone meanwhile, in more ways than one; what still hangs on refuses the removal.
                with suppress(APIError):
                    client.disconnect_container_from_network(attached, told["Id"], force=True)
            _unless_missing(lambda: client.remove_network(told["Id"]))

    def remove_idle_network(self, name: str) -> None:
        with self._connection.asking(f"remove network {name}") as client:
            _unless_missing(lambda: client.remove_network(name))

    def create_volume(self, spec: VolumeSpec) -> Volume:
        allow_list.check_volume(spec)
        with self._connection.asking(f"create volume {spec.name}") as client:
            return read_volume(client.create_volume(**request.create_volume(spec)))

    def volumes(self, labels: Mapping[str, str]) -> list[Volume]:
        with self._connection.asking("list volumes") as client:
            return [read_volume(told) for told in client.volumes(filters=_filter(labels))["Volumes"] or ()]

    def remove_volume(self, name: str) -> None:
        with self._connection.asking(f"remove volume {name}") as client:
            _unless_missing(lambda: client.remove_volume(name))

    @cached_property
    def _runtime(self) -> str | None:
        """What containers are started with; None is the engine's own."""
        if self._tier == "runc":
            return None
        with self._connection.asking("ask the engine for its runtimes") as client:
            info = client.info()
        return choose_runtime(self._tier, info)

    def _check_belongings(self, spec: ContainerSpec) -> None:
        """That network and volumes are ours: the engine would make volumes that it does not know, without labels."""
        labels = write_labels(spec.labels)
        if spec.network is not None:
            allow_list.check_attachment(labels, spec.labels.purpose, self._network(spec.network))
        for name in {mount.volume for mount in spec.mounts if isinstance(mount, VolumeMount)}:
            with self._connection.asking(f"look for volume {name}") as client:
                allow_list.check_ownership(labels, f"volume {name!r}", client.inspect_volume(name).get("Labels") or {})

    def _network(self, name: str) -> Network:
        with self._connection.asking(f"look for network {name}") as client:
            return read_network(client.inspect_network(name))

    def _give_volumes(self, spec: ContainerSpec) -> None:
        """Let the user of `spec` write into the roots of the volumes that it mounts so; the engine makes them root's.

        No process runs for it: the engine itself unpacks a folder of that owner there.
        """
        volumes = [mount for mount in spec.mounts if isinstance(mount, VolumeMount) and not mount.read_only]
        if not volumes:
            return
        with self._connection.asking(f"give volumes to the user of container {spec.name}") as client:
            asked = request.create_seed(spec, volumes)
            seed = client.create_container_from_config(asked)["Id"]  # type: ignore[no-untyped-call]
            try:
                client.put_archive(seed, "/", request.pack_folders([mount.target for mount in volumes], spec.user))
            finally:
                client.remove_container(seed, v=True, force=True)

    def _exit_code(self, attempt: str, container: str, made: str, should_stop: Callable[[], bool]) -> int | None:
        """Of an exec whose output has ended: mostly at once, but a command may close its output and go on."""
        while not should_stop():
            with self._connection.asking(attempt) as client:
                told = _unless_missing(lambda: client.exec_inspect(made))
            if told is None:
                raise self._explain_loss(attempt, container)
            if not told["Running"]:
                if told["ExitCode"] == KILLED:
                    self._check_alive(attempt, container)
                return int(told["ExitCode"])
            time.sleep(_PAUSE)
        return None

    def _explain_loss(self, attempt: str, container: str) -> OrketError:
        """The engine no longer knows a command that ran."""
        if self.find(container) is None:
            return ContainerError(f"{attempt}: the container was removed meanwhile")
        return unavailable(attempt, "it was started anew meanwhile")

    def _check_alive(self, attempt: str, container: str) -> None:
        """Raises: EngineUnavailable where the engine is going down and took the command with it; ContainerError where
        the container has ended."""
        self._connection.ping(attempt)
        # The engine hears of the end of a container a little later than of the end of what ran in it.
        if _await(lambda: not self._runs(container), SETTLING):
            raise ContainerError(f"{attempt}: the container ended meanwhile")

    def _runs(self, container: str) -> bool:
        found = self.find(container)
        return found is not None and found.running


def _unless_missing(ask: Callable[[], _Answer]) -> _Answer | None:
    """The answer, None where the engine says that there is no such thing."""
    try:
        return ask()
    except NotFound:
        return None


def _await(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether it came to be so within `seconds`."""
    until = time.monotonic() + seconds
    while not (found := is_so()) and time.monotonic() < until:
        time.sleep(_PAUSE)
    return found


def _filter(labels: Mapping[str, str]) -> dict[str, list[str]]:
    return {"label": [f"{name}={value}" for name, value in labels.items()]}


def _status_code(attempt: str, received: bytes) -> int:
    try:
        return int(json.loads(received)["StatusCode"])
    except (ValueError, LookupError, TypeError) as error:
        raise unavailable(attempt, "it went away while it was waited for") from error
