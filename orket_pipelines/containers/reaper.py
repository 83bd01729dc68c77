"""What nobody owns any more is removed: by label, never by name."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.containers.model import EXPIRES, OWNER, PROCESS, WORKSPACE, Container, Network, Volume
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import ContainerError
from orket_pipelines.store import is_proven_dead

GRACE = 120.0
"""Seconds of age before a thing without a live row is an orphan: a row may be written after what it tells of."""
_Thing = TypeVar("_Thing", Container, Network, Volume)


@dataclass(frozen=True, slots=True)
class Orphans:
    """What may be removed."""

    containers: tuple[Container, ...]
    networks: tuple[Network, ...]
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Reaped:
    """The names of what was removed."""

    containers: tuple[str, ...]
    networks: tuple[str, ...]
    volumes: tuple[str, ...]


def find_orphans(
    containers: Iterable[Container],
    networks: Iterable[Network],
    volumes: Iterable[Volume],
    *,
    owner: str,
    workspace: str,
    now: int,
    is_dead: Callable[[str], bool],
    is_live: Callable[[Mapping[str, str]], bool],
    grace: float,
) -> Orphans:
    """Those of this owner and workspace that have expired at `now` (microseconds), whose process `is_dead`, or which
    are older than `grace` seconds and not `is_live` by their labels, as the caller knows from its rows."""

    def is_orphan(thing: Container | Network | Volume) -> bool:
        labels = thing.labels
        if labels.get(OWNER) != owner or labels.get(WORKSPACE) != workspace:
            return False
        if _has_expired(labels, now) or (PROCESS in labels and is_dead(labels[PROCESS])):
            return True
        return now - thing.created_at > grace * MICROSECONDS and not is_live(labels)

    def choose(things: Iterable[_Thing]) -> tuple[_Thing, ...]:
        return tuple(thing for thing in things if is_orphan(thing))

    return Orphans(choose(containers), choose(networks), choose(volumes))


def reap(
    engine: Engine,
    *,
    owner: str,
    workspace: str,
    now: int,
    is_live: Callable[[Mapping[str, str]], bool],
    is_dead: Callable[[str], bool] = is_proven_dead,
    grace: float = GRACE,
) -> Reaped:
    """Remove what `find_orphans` finds. Several may do so at once; whatever refuses to go is left for the next time.

    Raises: EngineUnavailable, which says nothing about what is there.
    """
    ours = {OWNER: owner, WORKSPACE: workspace}
    orphans = find_orphans(
        engine.containers(ours),
        engine.networks(ours),
        engine.volumes(ours),
        owner=owner,
        workspace=workspace,
        now=now,
        is_dead=is_dead,
        is_live=is_live,
        grace=grace,
    )
    # In this order: a network can be in use by a container, and so can a volume. By id, where there is one: the name
    # may have been given to something new.
    return Reaped(
        _remove(orphans.containers, lambda container: engine.remove(container.id)),
        _remove(orphans.networks, lambda network: engine.remove_idle_network(network.id)),
        _remove(orphans.volumes, lambda volume: engine.remove_volume(volume.name)),
    )


def _remove(things: tuple[_Thing, ...], remove: Callable[[_Thing], None]) -> tuple[str, ...]:
    removed = []
    for thing in things:
        with suppress(ContainerError):
            remove(thing)
            removed.append(thing.name)
    return tuple(removed)


def _has_expired(labels: Mapping[str, str], now: int) -> bool:
    expires = labels.get(EXPIRES, "")
    return expires.isdecimal() and int(expires) <= now
