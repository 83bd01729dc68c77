"""What the engine is asked for to run or build a service: pure, so that tests compare literals."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from orket_pipelines.containers.model import (
    OWNER,
    SUBJECT,
    WORKSPACE,
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    NetworkSpec,
    PublishedPort,
    Scratch,
)
from orket_pipelines.dependencies.model import CHECKOUT_TARGET
from orket_pipelines.sandboxes import forwarder, gateway, ways
from orket_pipelines.sandboxes.beside import Wish
from orket_pipelines.sandboxes.building import run_script
from orket_pipelines.sandboxes.databases import ENVIRONMENT, SERVICE_SECRETS, Database, databases_of
from orket_pipelines.sandboxes.model import Service
from orket_pipelines.sandboxes.runtime import FRONT, PROBE, DeploymentFailed, Generation, command_of, is_page

EVERYWHERE = "0.0.0.0"  # noqa: S104 - inside a container, whose ports are published on 127.0.0.1 alone
SOURCE, SITE = "/source", "/site"
PAGE_PORT = 8080
WEB_PORT = 8000
"""Where services listen inside their containers, unless the plan says otherwise."""
PROBED, FIRST_FORWARDED = 8999, 9000
"""Where a forwarder listens inside its container for who asks for a service by name, and for the first service; the
next follow."""
WAYS_TARGET = "/ways"
FORWARDER_LIMITS = ContainerLimits(memory=128 * 1024**2, cpus=1.0, processes=64)
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"
TELL = f". {SERVICE_SECRETS}/{ENVIRONMENT} && "
"""How a service is told of its databases: by a file, as variables of a container are there for everybody to inspect."""
BUILD_MARGIN = 60.0
"""Seconds beyond its time after which a build's container ends by itself, should nobody be left to remove it."""


@dataclass(frozen=True, slots=True)
class Station:
    """What containers of this installation are made with: its id as `owner`, the tenant, image, user and limits.

    `scratch` is the size of the tmpfs that a service's files are copied to. `process` names this worker, whose end
    makes its build containers orphans. `database_images` are by kind; a kind without one is not provided. Times are in
    seconds, sizes in bytes.
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
    database_images: Mapping[str, str] = field(default_factory=dict)
    database_patience: float = 60.0
    beside: Wish = "auto"

    def found_by(self, subject: str) -> dict[str, str]:
        """The labels that everything of a sandbox bears, whatever its name."""
        return {OWNER: self.owner, WORKSPACE: self.workspace, SUBJECT: subject}


def service_spec(station: Station, generation: Generation, service: Service, network: str) -> ContainerSpec:
    """A service: a program over a writable copy of its read-only files, or our server over a page's files."""
    page, port = is_page(service), port_of(service)
    start = command_of(service, port, EVERYWHERE)
    told = not page and any(each.kind in service.databases for each in provided(station, generation))
    program = ["sh", "-c", (TELL if told else "") + run_script(SOURCE), "sh", service.folder, *start]
    spec = ContainerSpec(
        name=container_name(generation, service),
        image=station.image,
        command=tuple(_gateway_command(generation, service) if page else program),
        labels=replace(labels(station, generation, ContainerPurpose.SERVICE), generation=generation.number),
        user=station.user,
        environment=_environment(generation) | {"PORT": str(port), "HOST": EVERYWHERE},
        folder=SITE if page else CHECKOUT_TARGET,
        mounts=(FolderMount(files_of(generation, service), SITE if page else SOURCE),),
        limits=station.limits,
        network=network,
        aliases=(alias_of(service),),
        restarts=station.restarts,
    )
    if told:
        spec = replace(spec, mounts=(*spec.mounts, FolderMount(generation.secrets / "settings", SERVICE_SECRETS)))
    return spec if page else _over_dependencies(spec, station, generation)


def provided(station: Station, generation: Generation) -> tuple[Database, ...]:
    """The databases of the plan, but for kinds that the settings leave without an image."""
    return tuple(each for each in databases_of(generation.plan) if station.database_images.get(each.kind))


def build_spec(station: Station, generation: Generation, service: Service) -> ContainerSpec:
    """Where a service is built: no network, a copy of the source, and nothing of this host that can be written."""
    spec = ContainerSpec(
        name=f"{container_name(generation, service)}-build",
        image=station.image,
        command=("sleep", f"{station.build_timeout + BUILD_MARGIN:.0f}"),
        labels=replace(labels(station, generation, ContainerPurpose.BUILD), process=station.process),
        user=station.user,
        environment=_environment(generation) | {"CI": "1"},
        folder=CHECKOUT_TARGET,
        mounts=(FolderMount(generation.source, SOURCE),),
        limits=station.limits,
    )
    return _over_dependencies(spec, station, generation)


def forwarder_spec(station: Station, generation: Generation, network: str) -> ContainerSpec:
    """What carries connections from this host to the services; `network` is the front, and it joins theirs besides."""
    inside = forwarded(generation)
    published = {PROBED: generation.ports[PROBE]} | {port: generation.ports[name] for name, port in inside.items()}
    listens = (f"{WAYS_TARGET}/{ways.FILE}", *map(str, published))
    return ContainerSpec(
        name=forwarder_name(generation.sandbox),
        image=station.image,
        command=("python3", "-I", "-c", forwarder.source(), *listens),
        labels=labels(station, generation, ContainerPurpose.FORWARDER),
        user=station.user,
        mounts=(FolderMount(generation.ways, WAYS_TARGET),),
        limits=FORWARDER_LIMITS,
        network=network,
        ports=tuple(PublishedPort(port, here) for port, here in published.items()),
        restarts=station.restarts,
    )


def forwarder_name(sandbox: str) -> str:
    """Of the container that carries connections to a sandbox."""
    return f"orket-{sandbox[:12]}-forwarder"


def forwarded(generation: Generation) -> dict[str, int]:
    """Where a forwarder that is started for a generation listens for each service."""
    return {each.name: port for port, each in enumerate(generation.plan.services, FIRST_FORWARDED)}


def target_of(generation: Generation, service: Service) -> str:
    """Where the forwarder finds a service, of this generation and no other: by the name of its container."""
    return f"{container_name(generation, service)}:{port_of(service)}"


def network_spec(station: Station, generation: Generation, which: str) -> NetworkSpec:
    """A sealed bridge of a sandbox."""
    bears, subnet = labels(station, generation, ContainerPurpose.SERVICE), generation.subnets.get(which)
    return NetworkSpec(network_name(generation.sandbox, which), bears, subnet=subnet)


def front_spec(station: Station, subnet: str | None) -> NetworkSpec:
    """The bridge by which this host reaches the forwarders of all sandboxes of the workspace."""
    bears = Labels(station.owner, station.workspace, FRONT, ContainerPurpose.FORWARDER)
    named = hashlib.sha256(f"{station.owner}/{station.workspace}".encode()).hexdigest()
    return NetworkSpec(network_name(named, FRONT), bears, subnet=subnet, published=True)


def network_name(sandbox: str, which: str) -> str:
    """Of one of the bridges of a sandbox, or of all."""
    return f"orket-{sandbox[:12]}-{which}"


def labels(station: Station, generation: Generation, purpose: ContainerPurpose) -> Labels:
    """Without a process: services outlive their worker. Without a date: a sandbox whose time is over may be in use
    nevertheless, which its row knows."""
    return Labels(station.owner, station.workspace, generation.sandbox, purpose)


def port_of(service: Service) -> int:
    """Where a service listens inside its container."""
    return service.port or (PAGE_PORT if is_page(service) else WEB_PORT)


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
    return slug(service.name)


def inside_url(service: Service) -> str:
    """Where siblings reach a service."""
    return f"http://{alias_of(service)}:{port_of(service)}"


def container_name(generation: Generation, service: Service) -> str:
    """Unique among the generations of all sandboxes; nothing is ever found by it alone."""
    return f"orket-{generation.sandbox[:12]}-{generation.number}-{slug(service.name)}"


def slug(name: str) -> str:
    """A name as host names and containers take it."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "service"


def _gateway_command(generation: Generation, service: Service) -> list[str]:
    routes = generation.plan.routes if service.name == generation.plan.front else {}
    services = {each.name: each for each in generation.plan.services}
    told = [f"{prefix}={inside_url(services[name])}" for prefix, name in routes.items()]
    routed = [word for route in told for word in ("--route", route)]
    listen = ["--port", str(port_of(service)), "--host", EVERYWHERE]
    return ["python3", "-I", "-c", gateway.source(), "--root", SITE, *routed, *listen]


def _over_dependencies(spec: ContainerSpec, station: Station, generation: Generation) -> ContainerSpec:
    checkout = Scratch(CHECKOUT_TARGET, station.scratch, executable=True)
    mounts = (*spec.mounts, *generation.environment.mounts)
    return replace(spec, mounts=mounts, scratch=(*spec.scratch, checkout))


def _environment(generation: Generation) -> dict[str, str]:
    """No secret of this host is in it."""
    path = ":".join((*generation.environment.path, PROGRAMS))
    fixed = {"PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}  # noqa: S108 - a tmpfs
    return dict(generation.environment.variables) | fixed
