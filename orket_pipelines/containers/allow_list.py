"""What a container, network or volume may ask for; anything more is refused before the engine hears of it.

The list is in docs/ISOLATION.md, in words.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields, replace
from pathlib import Path

from orket_pipelines.containers.model import (
    EGRESS,
    OWNER,
    PUBLISHED,
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    Network,
    NetworkSpec,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.errors import SpecRefused

MOUNTABLE = frozenset({"artifacts", "checkouts", "dependencies", "sandboxes", "verification"})
"""The folders of ORKET_HOME below which a container may see one: never the home itself, the database, the factory's
repositories or its settings."""
LARGEST = ContainerLimits(
    memory=64 * 1024**3,
    cpus=64.0,
    processes=4096,
    open_files=65_536,
    file_size=16 * 1024**3,
    shared_memory=4 * 1024**3,
)
LARGEST_SCRATCH = 16 * 1024**3
SMALLEST_MEMORY = 6 * 1024**2
"""What an engine takes."""
MOST_RESTARTS = 10
LOWEST_PORT = 1024
HIGHEST_PORT = 65_535
HIGHEST_ID = 2**31 - 2
SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr")
"""Targets that nothing is mounted at or below."""
TOPS = frozenset({"/", "/run", "/var", "/var/run", "/var/lib"})
"""Targets that nothing is mounted at."""
SOCKETS = frozenset({"docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"})
ENGINE_NETWORKS = frozenset({"bridge", "default", "host", "nat", "none"})
_name = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_image = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.:/@-]{0,254}")
_variable = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check(spec: ContainerSpec, home: Path) -> ContainerSpec:
    """`spec` with its folders resolved, which is what must be asked for: a link may point elsewhere a moment later.

    Raises: SpecRefused with the first thing that is not granted.
    """
    mounts = tuple(_resolve(mount, home.resolve()) for mount in spec.mounts)
    for reason in _reasons(spec):
        raise SpecRefused(f"container {spec.name!r} is refused: {reason}")
    return replace(spec, mounts=mounts)


def check_command(command: Sequence[str], environment: Mapping[str, str], user: tuple[int, int] | None) -> None:
    """Raises: SpecRefused where a command in a running container asks for more; `user` None is the container's own."""
    _refuse("a command", _command_reasons(command, environment, user))


def check_network(spec: NetworkSpec) -> None:
    """Raises: SpecRefused where a network asks for more than a bridge of ours."""
    _refuse(f"network {spec.name!r}", [*_name_reasons(spec.name), *_label_reasons(spec.labels)])
    if spec.egress and spec.labels.purpose is not ContainerPurpose.PROXY:
        raise SpecRefused(f"network {spec.name!r} is refused: only the proxy of installs gets one with egress")
    if spec.published and (spec.egress or spec.labels.purpose is not ContainerPurpose.FORWARDER):
        raise SpecRefused(f"network {spec.name!r} is refused: only forwarders get one with ports, and no egress")


def check_volume(spec: VolumeSpec) -> None:
    """Raises: SpecRefused where a volume has no proper name or labels."""
    _refuse(f"volume {spec.name!r}", [*_name_reasons(spec.name), *_label_reasons(spec.labels)])


def check_attachment(labels: Mapping[str, str], purpose: str | None, network: Network) -> None:
    """Whether what bears `labels` and has `purpose` may join `network`.

    Raises: SpecRefused where the network is somebody else's, has egress and this is not the proxy, or has a way to this
    host and this is no forwarder.
    """
    check_ownership(labels, f"network {network.name!r}", network.labels)
    if EGRESS in network.labels and purpose != ContainerPurpose.PROXY:
        raise SpecRefused(f"network {network.name!r} is refused: it has egress, which only the proxy of installs gets")
    if PUBLISHED in network.labels and purpose != ContainerPurpose.FORWARDER:
        raise SpecRefused(f"network {network.name!r} is refused: it has a way to this host, which only forwarders get")


def check_ownership(labels: Mapping[str, str], what: str, found: Mapping[str, str]) -> None:
    """Raises: SpecRefused where `what`, which bears `found`, is not of the installation that `labels` name."""
    if not labels.get(OWNER) or found.get(OWNER) != labels[OWNER]:
        raise SpecRefused(f"{what} is refused: it is not one that this installation made")


def _refuse(what: str, reasons: Iterable[str]) -> None:
    for reason in reasons:
        raise SpecRefused(f"{what} is refused: {reason}")


def _reasons(spec: ContainerSpec) -> Iterator[str]:
    yield from _name_reasons(spec.name)
    yield from _label_reasons(spec.labels)
    if not _image.fullmatch(spec.image):
        yield f"{spec.image!r} is no name of an image"
    yield from _command_reasons(spec.command, spec.environment, spec.user)
    for scratch in spec.scratch:
        yield from _user_reasons(scratch.owner or spec.user)
    yield from _target_reasons(spec)
    yield from _limit_reasons(spec)
    yield from _network_reasons(spec)
    yield from _port_reasons(spec)


def _name_reasons(name: str) -> Iterator[str]:
    if not _name.fullmatch(name):
        yield "a name is up to 128 letters, digits, dots, dashes and underscores, and begins with a letter or digit"


def _label_reasons(labels: Labels) -> Iterator[str]:
    """Without labels nobody would ever remove it."""
    for name in ("owner", "workspace", "subject"):
        if not getattr(labels, name):
            yield f"it bears no {name} as label"
    if labels.purpose not in set(ContainerPurpose):
        yield f"{labels.purpose!r} is no purpose"
    if any(not text.isprintable() for text in astuple(labels) if isinstance(text, str)):
        yield "its labels hold what cannot be printed"
    if labels.expires is not None and labels.expires <= 0:
        yield "it expires before there were computers"


def _command_reasons(
    command: Sequence[str], environment: Mapping[str, str], user: tuple[int, int] | None
) -> Iterator[str]:
    if not command or any("\0" in word for word in command):
        yield "its command is empty or holds NUL"
    if user is not None:
        yield from _user_reasons(user)
    for name, value in environment.items():
        if not _variable.fullmatch(name):
            yield f"{name!r} is no name of a variable"
        if "\0" in value:
            yield f"the value of {name} holds NUL"


def _user_reasons(user: tuple[int, int]) -> Iterator[str]:
    if not all(0 < number <= HIGHEST_ID for number in user):
        yield f"user {user[0]}:{user[1]} is root, or no user"


def _target_reasons(spec: ContainerSpec) -> Iterator[str]:
    targets = [each.target for each in (*spec.mounts, *spec.scratch)]
    for target in (*targets, spec.folder):
        if not _is_plain(target):
            yield f"{target!r} is no plain absolute path"
    for target in targets:
        if target in TOPS or any(target == folder or target.startswith(f"{folder}/") for folder in SYSTEM):
            yield f"nothing may be mounted at {target}"
        if SOCKETS & set(target.split("/")):
            yield f"{target} is where an engine's socket would be"
    if len(set(targets)) < len(targets):
        yield "two mounts have one target"
    for volume in (mount.volume for mount in spec.mounts if isinstance(mount, VolumeMount)):
        if not _name.fullmatch(volume):
            yield f"{volume!r} is no name of a volume"


def _limit_reasons(spec: ContainerSpec) -> Iterator[str]:
    for limit in fields(ContainerLimits):
        value, largest = getattr(spec.limits, limit.name), getattr(LARGEST, limit.name)
        if not 0 < value <= largest:
            yield f"{limit.name.replace('_', ' ')} must lie between 0 and {largest}, not {value}"
    if spec.limits.memory < SMALLEST_MEMORY:
        yield f"memory must be at least {SMALLEST_MEMORY}, not {spec.limits.memory}"
    if any(not 0 < scratch.size <= LARGEST_SCRATCH for scratch in spec.scratch):
        yield f"a scratch folder must have a size of up to {LARGEST_SCRATCH}"
    if not 0 <= spec.restarts <= MOST_RESTARTS:
        yield f"it may be started again up to {MOST_RESTARTS} times, not {spec.restarts}"


def _network_reasons(spec: ContainerSpec) -> Iterator[str]:
    if spec.network is not None and (spec.network in ENGINE_NETWORKS or not _name.fullmatch(spec.network)):
        yield f"{spec.network!r} is not a network of ours"
    if spec.network is None and (spec.aliases or spec.ports):
        yield "names and ports need a network"
    if not all(_name.fullmatch(alias) for alias in spec.aliases):
        yield "a name in a network is letters, digits, dots, dashes and underscores"


def _port_reasons(spec: ContainerSpec) -> Iterator[str]:
    if spec.ports and spec.labels.purpose is not ContainerPurpose.FORWARDER:
        yield f"ports are published by forwarders, not for {spec.labels.purpose}"
    for port in spec.ports:
        if not LOWEST_PORT <= port.host_port <= HIGHEST_PORT:
            yield f"port {port.host_port} of this host lies outside {LOWEST_PORT} to {HIGHEST_PORT}"
        if not 0 < port.container_port <= HIGHEST_PORT:
            yield f"{port.container_port} is no port"


def _resolve(mount: FolderMount | VolumeMount, home: Path) -> FolderMount | VolumeMount:
    """The mount with its real folder. Raises: SpecRefused where that is not one that a container may see."""
    if isinstance(mount, VolumeMount):
        return mount
    if not _is_plain(str(mount.source)):
        raise SpecRefused(f"{str(mount.source)!r} cannot be mounted: it is no plain absolute path")
    try:
        source = mount.source.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SpecRefused(f"{mount.source} cannot be mounted: {error}") from error
    if not source.is_dir():
        raise SpecRefused(f"{mount.source} cannot be mounted: it is no folder")
    below = source.relative_to(home).parts if source.is_relative_to(home) else ()
    if len(below) < 2 or below[0] not in MOUNTABLE:  # noqa: PLR2004 - a folder in one of them, not one of them
        granted = ", ".join(sorted(MOUNTABLE))
        raise SpecRefused(f"{mount.source} cannot be mounted: it lies in none of {granted} under {home}")
    return replace(mount, source=source)


def _is_plain(path: str) -> bool:
    """Absolute, without `..`, doubled slashes, colons and what cannot be printed."""
    return (
        path.startswith("/")
        and not path.startswith("//")
        and posixpath.normpath(path) == path
        and path.isprintable()
        and ":" not in path
    )
