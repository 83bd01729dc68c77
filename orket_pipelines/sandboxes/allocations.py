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
from orket_pipelines.sandboxes.runtime import FRONT
from orket_pipelines.store import Store, Transaction, tables

PORT, SUBNET = "port", "subnet"
SUBNET_PREFIX = 28
"""16 addresses: a gateway, and 13 services."""
FRONT_PREFIX, FRONT_SHARE = 23, 3
"""512 addresses for the forwarders of a workspace; of a small pool an eighth, which are as many as there
can be sandboxes in the rest."""
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
# The sandboxes that exist in the workspace of an allocation.
_exists = sa.exists().where(
    tables.sandboxes.c.workspace_id == _allocations.c.workspace_id,
    tables.sandboxes.c.state != str(SandboxState.DELETED),
)
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
    found = _lease(store, _subnets(pool, SUBNET_PREFIX), owner, purpose)
    if found is None:
        raise _all_leased(pool)
    return found


def lease_front(store: Store, pool: str) -> str:
    """A subnet (CIDR) of `pool` for what the forwarders of the workspace stand on together: the one that it has, or the
    widest that is free.

    Raises: SandboxError where none is left.
    """
    for prefix in range(_front_prefix(pool), SUBNET_PREFIX + 1):
        found = _lease(store, _subnets(pool, prefix), FRONT, FRONT)
        if found is not None:
            return found
    raise _all_leased(pool)


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
    """Free what belongs to no sandbox that exists, in any workspace, the front of a workspace without any, and what
    strangers had an hour ago.

    What was freed, as `port 20001`.
    """
    exists = _exists.where(sa.or_(tables.sandboxes.c.id == _allocations.c.owner, _allocations.c.owner == FRONT))
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
    """What there is of a kind: `at` says what the first, second … of `count` is, `is_free` asks the machine, and two
    whose `parts` have one in common are not both given out."""

    kind: str
    count: int
    at: Callable[[int], str]
    is_free: Callable[[str], bool]
    parts: Callable[[str], frozenset[str]] = lambda value: frozenset({value})


def _subnets(pool: str, prefix: int) -> _Pool:
    network = _network(pool)

    def at(index: int) -> str:
        return f"{network.network_address + index * 2 ** (32 - prefix)}/{prefix}"

    # Whether one overlaps another network only the engine knows.
    return _Pool(SUBNET, int(2 ** (prefix - network.prefixlen)), at, lambda _: True, _smallest)


def _network(pool: str) -> ipaddress.IPv4Network:
    try:
        return ipaddress.IPv4Network(pool)
    except ValueError as error:
        raise SandboxError(
            f"{pool} cannot be cut into subnets: {error}", next_step="Correct ORKET_SANDBOX_SUBNETS: 10.213.0.0/16"
        ) from error


def _smallest(subnet: str) -> frozenset[str]:
    """The subnets of sixteen addresses that one consists of."""
    return frozenset(str(each) for each in ipaddress.IPv4Network(subnet).subnets(new_prefix=SUBNET_PREFIX))


def _front_prefix(pool: str) -> int:
    return min(max(FRONT_PREFIX, _network(pool).prefixlen + FRONT_SHARE), SUBNET_PREFIX)


def _all_leased(pool: str) -> SandboxError:
    return SandboxError(
        f"none of the subnets of {pool} is left for a sandbox",
        next_step="Remove sandboxes: orket sandboxes down NAME. Or widen ORKET_SANDBOX_SUBNETS.",
    )


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
    offset, parts = zlib.crc32(start.encode()), frozenset[str]().union(*map(pool.parts, taken))
    values = (pool.at((offset + index) % pool.count) for index in range(pool.count))
    return next((value for value in values if not parts & pool.parts(value) and pool.is_free(value)), None)


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
