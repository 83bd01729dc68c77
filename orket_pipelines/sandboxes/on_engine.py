"""Sandboxes as containers: a bridge that nothing leaves, a container per service, a port of 127.0.0.1 for each."""

import posixpath
import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.containers.model import (
    OWNER,
    PURPOSE,
    SUBJECT,
    WORKSPACE,
    Container,
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    NetworkSpec,
    PublishedPort,
    Scratch,
)
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.model import CHECKOUT_TARGET
from orket_pipelines.errors import PortTaken, Stopped, SubnetTaken
from orket_pipelines.sandboxes import gateway
from orket_pipelines.sandboxes.allocations import PORT, SUBNET
from orket_pipelines.sandboxes.building import Archive, Tail, run_script
from orket_pipelines.sandboxes.model import Service
from orket_pipelines.sandboxes.probing import listening_ports
from orket_pipelines.sandboxes.runtime import (
    AddressTaken,
    Condition,
    DeploymentFailed,
    Generation,
    Handles,
    command_of,
    end_of,
    is_page,
)
from orket_pipelines.sandboxes.source import unpack
from orket_pipelines.store import failpoint, reach

EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container, whose ports are published on 127.0.0.1 alone
SOURCE, SITE = "/source", "/site"
PAGE_PORT = 8080
WEB_PORT = 8000
"""Where services listen inside their containers, unless the plan says otherwise."""
STARTS_AT_ONCE = 3
"""Cores and one more: the same time in all, and each starts four times sooner than where all start at once."""
KILL_PATIENCE, TAKING_PATIENCE = 5.0, 60.0
"""Seconds that a build gets beyond its time until we no longer wait, and that taking its output may take."""
GRACE = 3.0
"""Seconds that a stopped service gets to end by itself."""
KILLED = 137
"""How a shell tells that its command was killed."""
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"
AFTER_NETWORK = failpoint("sandboxes.after_network")
AFTER_CONTAINER = failpoint("sandboxes.after_container")
AFTER_BUILD_CONTAINER = failpoint("sandboxes.after_build_container")


@dataclass(frozen=True, slots=True)
class Station:
    """What containers of this installation are made with: its id as `owner`, the tenant, image, user and limits.

    `scratch` is the size of the tmpfs that a service's files are copied to. `process` names this worker, whose end
    makes its build containers orphans. Times are in seconds, sizes in bytes.
    """

    owner: str
    workspace: str
    image: str
    user: tuple[int, int]
    limits: ContainerLimits
    scratch: int
    build_timeout: float
    restarts: int = 3
    process: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerRuntime:
    """Runs sandboxes on an engine."""

    engine: Engine
    station: Station
    clock: Clock = field(default_factory=SystemClock)
    isolation: str = "container"
    uses_subnets: bool = True

    def end_builds(self, sandbox: str) -> None:
        """Remove the containers of builds."""
        builds = self._labels_of(sandbox) | {PURPOSE: str(ContainerPurpose.BUILD)}
        _in_parallel(lambda each: self.engine.remove(each.id), self.engine.containers(builds))

    def build(self, generation: Generation, service: Service, *, stop: threading.Event) -> None:
        """Run the build where there is no network, over a copy that goes with its container; what it made comes out
        as an archive: nothing that a build does can touch a folder of this host."""
        spec = self._build_spec(generation, service)
        archive = generation.folder / f"{_slug(service.name)}.tar"
        self.engine.remove(spec.name)
        try:
            self.engine.start(spec)
            reach(AFTER_BUILD_CONTAINER)
            self._run_build(spec, service, stop)
            self._take(spec, service, archive, stop)
            unpack(archive, generation.made(service), limit=self.station.scratch)
        finally:
            self.engine.remove(spec.name)
            archive.unlink(missing_ok=True)

    def start(self, generation: Generation) -> Handles:
        """Make the network where it is not there yet, and start every service."""
        network = self._network(generation)
        specs = {service.name: self._spec(generation, service, network) for service in generation.plan.services}
        with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
            list(pool.map(lambda name: self._start(specs[name], generation.ports[name]), specs))
        inside = {name: f"http://{specs[name].aliases[0]}:{specs[name].ports[0].container_port}" for name in specs}
        return {
            "network": network,
            "containers": {name: spec.name for name, spec in specs.items()},
            "ports": {name: spec.ports[0].container_port for name, spec in specs.items()},
            "inside_urls": inside,
        }

    def conditions(self, sandbox: str, handles: Handles) -> dict[str, Condition]:
        """How the containers stand; one that the engine does not know is gone."""
        known = {each.name: each for each in self._containers(sandbox)}
        return {name: _condition(known.get(each)) for name, each in handles.get("containers", {}).items()}

    def listening(self, handles: Handles, service: str) -> dict[int, bool] | None:
        """What the kernel says inside the container."""
        tail = Tail(200_000)
        container = self.engine.find(handles["containers"][service])
        if container is None or not container.running:
            return None
        self.engine.execute(container.id, ["cat", "/proc/net/tcp", "/proc/net/tcp6"], output=tail.add)
        return listening_ports(tail.text())

    def logs(self, handles: Handles, *, tail: int) -> dict[str, str]:
        """The end of what the containers said."""
        names = handles.get("containers", {}).items()
        return {name: self.engine.logs(each, tail=tail) for name, each in names if self.engine.find(each) is not None}

    def halt(self, sandbox: str, handles: Handles) -> None:
        """Stop the containers; they stay, with their logs."""
        del handles  # labels tell, also of what was never stored
        _in_parallel(lambda each: self.engine.stop(each.id, grace=GRACE), self._containers(sandbox))

    def clear(self, sandbox: str, handles: Handles) -> None:
        """Remove every container of the sandbox."""
        del handles  # as above
        _in_parallel(lambda each: self.engine.remove(each.id), self._containers(sandbox))

    def remove(self, sandbox: str, handles: Handles) -> None:
        """Remove containers, networks and volumes of the sandbox."""
        self.clear(sandbox, handles)
        for network in self.engine.networks(self._labels_of(sandbox)):
            self.engine.remove_network(network.name)
        for volume in self.engine.volumes(self._labels_of(sandbox)):
            self.engine.remove_volume(volume.name)

    def _network(self, generation: Generation) -> str:
        found = self.engine.networks(self._labels_of(generation.sandbox))
        if found:
            return found[0].name
        # It outlives this generation, and so its date.
        labels = replace(self._labels(generation, ContainerPurpose.SERVICE), expires=None)
        spec = NetworkSpec(f"orket-{generation.sandbox[:12]}", labels, subnet=generation.subnet)
        try:
            name = self.engine.create_network(spec).name
        except SubnetTaken as error:
            raise AddressTaken(SUBNET, generation.subnet or "") from error
        reach(AFTER_NETWORK)
        return name

    def _start(self, spec: ContainerSpec, port: int) -> None:
        try:
            self.engine.start(spec)
        except PortTaken as error:
            raise AddressTaken(PORT, str(port)) from error
        reach(AFTER_CONTAINER)

    def _spec(self, generation: Generation, service: Service, network: str) -> ContainerSpec:
        """A service: a program over a writable copy of its read-only files, or our server over a page's files."""
        page = is_page(service)
        port = service.port or (PAGE_PORT if page else WEB_PORT)
        files = files_of(generation, service)
        if page:
            command = self._gateway(generation, service, port)
        else:
            start = command_of(service, port, EVERYWHERE)
            command = ["sh", "-c", run_script(SOURCE), "sh", service.folder, *start]
        spec = ContainerSpec(
            name=_container_name(generation, service),
            image=self.station.image,
            command=tuple(command),
            labels=self._labels(generation, ContainerPurpose.SERVICE),
            user=self.station.user,
            environment=self._environment(generation) | {"PORT": str(port), "HOST": EVERYWHERE},
            folder=SITE if page else CHECKOUT_TARGET,
            mounts=(FolderMount(files, SITE if page else SOURCE),),
            limits=self.station.limits,
            network=network,
            aliases=(alias_of(service),),
            ports=(PublishedPort(port, generation.ports[service.name]),),
            restarts=self.station.restarts,
        )
        return spec if page else self._over_dependencies(spec, generation)

    def _build_spec(self, generation: Generation, service: Service) -> ContainerSpec:
        spec = ContainerSpec(
            name=f"{_container_name(generation, service)}-build",
            image=self.station.image,
            # It ends by itself, should nobody be left to remove it.
            command=("sleep", f"{self.station.build_timeout + 60:.0f}"),
            labels=replace(self._labels(generation, ContainerPurpose.BUILD), process=self.station.process),
            user=self.station.user,
            environment=self._environment(generation) | {"CI": "1"},
            folder=CHECKOUT_TARGET,
            mounts=(FolderMount(generation.source, SOURCE),),
            limits=self.station.limits,
        )
        return self._over_dependencies(spec, generation)

    def _over_dependencies(self, spec: ContainerSpec, generation: Generation) -> ContainerSpec:
        checkout = Scratch(CHECKOUT_TARGET, self.station.scratch, executable=True)
        mounts = (*spec.mounts, *generation.environment.mounts)
        return replace(spec, mounts=mounts, scratch=(*spec.scratch, checkout))

    def _gateway(self, generation: Generation, service: Service, port: int) -> list[str]:
        routes = generation.plan.routes if service.name == generation.plan.front else {}
        services = {each.name: each for each in generation.plan.services}
        told = []
        for prefix, name in routes.items():
            behind = services[name]
            told += ["--route", f"{prefix}=http://{alias_of(behind)}:{behind.port or WEB_PORT}"]
        listen = ["--port", str(port), "--host", EVERYWHERE]
        return ["python3", "-I", "-c", gateway.source(), "--root", SITE, *told, *listen]

    def _run_build(self, spec: ContainerSpec, service: Service, stop: threading.Event) -> None:
        said = Tail()
        limit = self.station.build_timeout
        # `timeout` inside: the end of the exec's client would not end what it runs.
        command = ["timeout", "-s", "KILL", f"{limit:g}", "sh", "-c", run_script(SOURCE), "sh", service.folder]
        code = self.engine.execute(
            spec.name,
            [*command, *service.build],
            output=said.add,
            folder=CHECKOUT_TARGET,
            should_stop=self._until(limit + KILL_PATIENCE, stop),
        )
        if stop.is_set():
            raise Stopped(f"stopped while {service.name} was being built")
        if code != 0:
            why = (
                f"was killed, after {limit:g} s or for want of memory" if code == KILLED else f"ended with code {code}"
            )
            raise DeploymentFailed(f"the build of {service.name} {why}\n{end_of(said.text())}")

    def _take(self, spec: ContainerSpec, service: Service, archive: Path, stop: threading.Event) -> None:
        made = posixpath.normpath(posixpath.join(CHECKOUT_TARGET, service.folder, service.output or "."))
        folder = made if is_page(service) else CHECKOUT_TARGET
        late = self._until(TAKING_PATIENCE, stop)
        with archive.open("wb") as file:
            taken = Archive(file, self.station.scratch)
            # By full names: dependencies come first on the path.
            code = self.engine.execute(
                spec.name,
                ["/bin/sh", "-c", 'exec /bin/tar -C "$1" -cf - . 2>/dev/null', "sh", folder],
                output=taken.add,
                should_stop=lambda: taken.full or late(),
            )
        if code != 0 or taken.full:
            why = "is too big" if taken.full else "cannot be taken" if code is None else "is not there"
            raise DeploymentFailed(f"the build of {service.name} ended, but its output {service.output or '.'} {why}")

    def _until(self, seconds: float, stop: threading.Event) -> Callable[[], bool]:
        """Whether time is up: what a build left running may hold back whatever counts inside."""
        end = self.clock.monotonic() + seconds
        return lambda: stop.is_set() or self.clock.monotonic() > end

    def _environment(self, generation: Generation) -> dict[str, str]:
        """No secret of this host is in it."""
        path = ":".join((*generation.environment.path, PROGRAMS))
        fixed = {"PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}  # noqa: S108 - a tmpfs
        return dict(generation.environment.variables) | fixed

    def _labels(self, generation: Generation, purpose: ContainerPurpose) -> Labels:
        station = self.station
        return Labels(station.owner, station.workspace, generation.sandbox, purpose, expires=generation.expires)

    def _labels_of(self, sandbox: str) -> dict[str, str]:
        return {OWNER: self.station.owner, WORKSPACE: self.station.workspace, SUBJECT: sandbox}

    def _containers(self, sandbox: str) -> list[Container]:
        return self.engine.containers(self._labels_of(sandbox))


def files_of(generation: Generation, service: Service) -> Path:
    """Where the files that a service runs from lie on this host."""
    if service.build:
        return generation.made(service)
    if not is_page(service):
        return generation.source
    files = generation.source / service.folder / (service.output or ".")
    if not files.is_dir() or not files.resolve().is_relative_to(generation.source.resolve()):
        raise DeploymentFailed(f"the files of {service.name} are not there: {service.folder}/{service.output or ''}")
    return files


def alias_of(service: Service) -> str:
    """The name by which siblings reach a service."""
    return _slug(service.name)


def _container_name(generation: Generation, service: Service) -> str:
    return f"orket-{generation.sandbox[:12]}-{generation.number}-{_slug(service.name)}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "service"


def _condition(container: Container | None) -> Condition:
    if container is None:
        return Condition("is gone: its container was removed")
    if container.running:
        return Condition(None, container.restarts)
    why = "was killed for want of memory" if container.out_of_memory else f"ended with code {container.exit_code}"
    return Condition(why, container.restarts)


def _in_parallel(act: Callable[[Container], None], containers: Iterable[Container]) -> None:
    with ThreadPoolExecutor(STARTS_AT_ONCE) as pool:
        list(pool.map(act, containers))
