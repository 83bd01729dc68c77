"""What may be asked of a Docker engine, and what it tells: typed specs, from which a request is made in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

OWNER, WORKSPACE, SUBJECT = "orket.owner", "orket.workspace", "orket.subject"
PURPOSE, RUN, PROCESS, EXPIRES = "orket.purpose", "orket.run", "orket.process", "orket.expires"
GENERATION = "orket.generation"
"""On services alone: the deployment that they are of."""
EGRESS = "orket.egress"
"""On networks alone: there where things leave it."""
PUBLISHED = "orket.published"
"""On networks alone: there where this host and what is on it reach each other, and ports can be published."""


class ContainerPurpose(StrEnum):
    """What a container is for; the allow-list grants by it."""

    WORKBENCH = "workbench"
    TESTS = "tests"
    INSTALL = "install"
    PROXY = "proxy"
    BUILD = "build"
    SERVICE = "service"
    DATABASE = "database"
    FORWARDER = "forwarder"
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Labels:
    """Who a container, network or volume belongs to; the reaper goes by these alone, never by a name.

    `owner` is the installation (`installation_id`), `subject` the card or sandbox, `process` the identity of the worker
    process whose end makes it an orphan (None: it outlives its worker), `run` the Dagster run, `expires` microseconds
    since 1970 after which it may be removed (None: never by age), `generation` the deployment of a sandbox that it goes
    with (None: it outlives deployments).
    """

    owner: str
    workspace: str
    subject: str
    purpose: ContainerPurpose
    process: str | None = None
    run: str | None = None
    expires: int | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class FolderMount:
    """A folder of this host, which must lie under ORKET_HOME."""

    source: Path
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class VolumeMount:
    """A named volume of ours."""

    volume: str
    target: str
    read_only: bool = True


@dataclass(frozen=True, slots=True)
class Scratch:
    """A tmpfs; `size` in bytes. Programs in it run only where `executable`. `owner` is (uid, gid), by default the
    container's user."""

    target: str
    size: int = 256 * 1024**2
    executable: bool = False
    owner: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ContainerLimits:
    """`memory` (= memory + swap), `shared_memory` and `file_size` in bytes, `cpus` in cores."""

    memory: int = 2 * 1024**3
    cpus: float = 2.0
    processes: int = 256
    open_files: int = 4096
    file_size: int = 512 * 1024**2
    shared_memory: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A port of the container at a port of 127.0.0.1."""

    container_port: int
    host_port: int


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container. What no field can say cannot be asked for: capabilities, devices, the socket, host namespaces.

    `user` is (uid, gid), never 0. `network` None is no network at all; `aliases` are its names there. `restarts` is how
    often the engine starts it again after a failure.
    """

    name: str
    image: str
    command: tuple[str, ...]
    labels: Labels
    user: tuple[int, int]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    mounts: tuple[FolderMount | VolumeMount, ...] = ()
    scratch: tuple[Scratch, ...] = (Scratch("/tmp"),)  # noqa: S108 - a tmpfs of the container's own
    limits: ContainerLimits = ContainerLimits()
    network: str | None = None
    aliases: tuple[str, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A bridge. By itself it is sealed: what is on it reaches nothing but what else is on it, not even this host, and
    nothing there can publish a port. `egress`, granted to the install proxy alone: things leave it. `published`,
    granted to forwarders alone: nothing leaves it but answers, ports can be published, and what is on it does not reach
    what else is on it.

    `subnet` (CIDR) None lets the engine choose.
    """

    name: str
    labels: Labels
    subnet: str | None = None
    egress: bool = False
    published: bool = False


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    name: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class Container:
    """A container as the engine tells of it. `exit_code` None while it runs; `restarts` counts the engine's own.

    `created_at` is in microseconds since 1970, here and below.
    """

    id: str
    name: str
    image: str
    labels: Mapping[str, str]
    running: bool
    exit_code: int | None
    restarts: int
    started_at: str
    addresses: Mapping[str, str] = field(default_factory=dict)
    out_of_memory: bool = False
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    id: str
    name: str
    labels: Mapping[str, str]
    subnet: str | None
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Volume:
    name: str
    labels: Mapping[str, str]
    created_at: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    """`id` is the digest of its content."""

    id: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """`tier` is the isolation in force: `rootless`, `gvisor`, `kata`, or `runc`; `warnings` are for `orket doctor`.

    `seals` tells that a bridge can be without an address on the host, so that nobody there is reached from it; `memory`
    is what its machine has in all, in bytes (None: it does not tell).
    """

    version: str
    api_version: str
    tier: str
    warnings: tuple[str, ...] = ()
    seals: bool = True
    memory: int | None = None
