"""Leases: who works on what, with a fencing token that grows at every change of hands.

A lease is a renewal counter. An observer who sees the counter stand still for `patience` seconds of its own monotonic
clock takes the lease over; wall clocks, which jump, decide nothing. Where the observer can prove that the owner's
process is dead (same machine, same boot, same process table) it need not wait.
"""

import os
import socket
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.errors import OrketError, Stopped
from orket_pipelines.store import tables
from orket_pipelines.store.engine import Store, Transaction
from orket_pipelines.store.failpoints import failpoint, reach
from orket_pipelines.store.identifiers import new_id
from orket_pipelines.store.prepared import Prepared

PATIENCE = 30.0
"""Seconds without a renewal after which a lease may be taken over; leases are renewed every third of it."""
RENEWAL = "lease-renewal"
"""The name of the threads that renew."""
AFTER_ACQUIRE = failpoint("leases.after_acquire")
BEFORE_RELEASE = failpoint("leases.before_release")
AFTER_RELEASE = failpoint("leases.after_release")

_leases = tables.leases
_by_name = sa.and_(_leases.c.workspace_id == sa.bindparam("b_workspace_id"), _leases.c.name == sa.bindparam("b_name"))
_mine = sa.and_(_by_name, _leases.c.token == sa.bindparam("b_token"))
_select = Prepared(sa.select(_leases).where(_by_name))
_owned = Prepared(
    sa.select(_leases).where(
        _leases.c.workspace_id == sa.bindparam("b_workspace_id"),
        _leases.c.owner.is_not(None),
        sa.func.substr(_leases.c.name, 1, sa.func.length(sa.bindparam("b_prefix"))) == sa.bindparam("b_prefix"),
    )
)
_insert = Prepared(sa.insert(_leases))
_take_over = Prepared(sa.update(_leases).where(_by_name))
_give_back = Prepared(sa.update(_leases).where(_mine).values(owner=None))
_renew = Prepared(sa.update(_leases).where(_mine).values(renewals=_leases.c.renewals + 1))


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on `name`; `token` fences every write made under it."""

    name: str
    token: int
    owner: str


class LeaseKeeper:
    """Takes, renews and gives back the leases of one process.

    Renewal runs in a thread of its own, so that no slow step of a worker stalls it.
    """

    def __init__(self, store: Store, *, patience: float = PATIENCE) -> None:
        self._store = store
        self._patience = patience
        self._owner = f"{process_identity()}/{new_id()}"
        self._held: dict[str, Lease] = {}
        self._seen: dict[str, tuple[int, int, float]] = {}
        # Threads of one process queue here, so that only the first of them asks the store again and again.
        self._queues: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, tx: Transaction, name: str) -> Lease | None:
        """The lease on `name` in the caller's transaction, or None while somebody else lives and holds it.

        Call `confirm` after the commit: a lease is kept alive from then on.
        """
        row = tx.execute(_select, {"b_workspace_id": tx.workspace_id, "b_name": name}).first()
        key = {"b_workspace_id": tx.workspace_id, "b_name": name}
        if row is None:
            values = {"name": name, "owner": self._owner, "token": 1, "renewals": 0, "acquired_at": tx.now}
            tx.execute(_insert, {"workspace_id": tx.workspace_id, **values})
            return Lease(name, 1, self._owner)
        if row.owner is not None and not self._is_abandoned(name, row.owner, row.token, row.renewals):
            return None
        token = row.token + 1
        tx.execute(_take_over, key | {"owner": self._owner, "token": token, "renewals": 0, "acquired_at": tx.now})
        return Lease(name, token, self._owner)

    def held(self, tx: Transaction, prefix: str) -> set[str]:
        """The names under `prefix` that somebody holds who is not known to be dead or silent."""
        rows = tx.execute(_owned, {"b_workspace_id": tx.workspace_id, "b_prefix": prefix})
        return {row.name for row in self.living(rows)}

    def living(self, rows: Iterable[Any]) -> list[Any]:
        """Those rows of leases with an owner (name, owner, token, renewals) who is not known to be dead or silent."""
        return [row for row in rows if not self._is_abandoned(row.name, row.owner, row.token, row.renewals)]

    def confirm(self, lease: Lease) -> Lease:
        """Keep a lease alive that `take` gave and the transaction committed."""
        with self._lock:
            self._held[lease.name] = lease
            self._seen.pop(lease.name, None)
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_forever, name=RENEWAL, daemon=True)
                self._thread.start()
        reach(AFTER_ACQUIRE)
        return lease

    def give_back(self, tx: Transaction, lease: Lease) -> None:
        """Give a lease back with the last that is written under it; `release` then finds nothing left to write."""
        tx.execute(_give_back, _as_held(tx, lease))

    def release(self, lease: Lease) -> None:
        """Give a lease back; nothing happens where it was taken over meanwhile."""
        reach(BEFORE_RELEASE)
        with self._lock:
            if self._held.get(lease.name) == lease:
                del self._held[lease.name]
        with self._store.glance() as tx:
            row = tx.execute(_select, {"b_workspace_id": tx.workspace_id, "b_name": lease.name}).first()
        if row is not None and row.owner is not None and row.token == lease.token:
            with self._store.write() as tx:
                self.give_back(tx, lease)
        reach(AFTER_RELEASE)

    @contextmanager
    def holding(self, name: str, *, stop: threading.Event, poll: float = 0.05) -> Iterator[Lease]:
        """Wait for the lease on `name`, hold it for the block, give it back.

        Raises: Stopped where `stop` is set while waiting.
        """
        with self._lock:
            queue = self._queues[name]
        while not queue.acquire(timeout=poll):
            if stop.is_set():
                raise Stopped(f"stopped while waiting for {name}")
        try:
            lease = self._wait_for(name, stop, poll)
            try:
                yield lease
            finally:
                self.release(lease)
        finally:
            queue.release()

    def close(self) -> None:
        """Stop renewing; what is still held falls to whoever asks next."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _wait_for(self, name: str, stop: threading.Event, poll: float) -> Lease:
        while not stop.is_set():
            with self._store.write() as tx:
                lease = self.take(tx, name)
            if lease is not None:
                return self.confirm(lease)
            stop.wait(poll)
        raise Stopped(f"stopped while waiting for {name}")

    def _is_abandoned(self, name: str, owner: str, token: int, renewals: int) -> bool:
        if owner != self._owner and is_proven_dead(owner):
            return True
        now = self._store.clock.monotonic()
        with self._lock:
            seen = self._seen.get(name)
            if seen is None or seen[:2] != (token, renewals):
                self._seen[name] = (token, renewals, now)
                return False
            return now - seen[2] >= self._patience

    def _renew_forever(self) -> None:
        while not self._stop.wait(self._patience / 3):
            with self._lock:
                held = list(self._held.values())
            if held:
                self._renew(held)

    def _renew(self, held: list[Lease]) -> None:
        """A lease lost meanwhile stays lost: the token no longer matches, and fenced writes say so."""
        try:
            with self._store.write() as tx:
                for lease in held:
                    tx.execute(_renew, _as_held(tx, lease))
        except (OrketError, sa.exc.SQLAlchemyError):
            # The store does not answer: try again at the next beat. If that comes too late, the fence decides.
            return


def held_leases(tx: Transaction, prefix: str) -> dict[str, str]:
    """The names under `prefix` that have an owner, dead ones included, each with its owner."""
    rows = tx.execute(_owned, {"b_workspace_id": tx.workspace_id, "b_prefix": prefix})
    return {row.name: row.owner for row in rows}


def dead_leases(tx: Transaction, prefix: str) -> list[str]:
    """Those whose owner's process is proven dead: it ran on this machine, in this boot."""
    return [name for name, owner in held_leases(tx, prefix).items() if is_proven_dead(owner)]


def _as_held(tx: Transaction, lease: Lease) -> dict[str, str | int]:
    return {"b_workspace_id": tx.workspace_id, "b_name": lease.name, "b_token": lease.token}


def process_identity() -> str:
    """Host, boot, process table and process, so that another process here can prove this one dead."""
    return "/".join([_machine(), str(os.getpid()), _started(os.getpid())])


@lru_cache(maxsize=1)
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()}/{new_id()}/"


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty where there is no such process, or it is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in {"Z", "X"} else fields[19]


def place_of(identity: str) -> str:
    """Where the process of that identity, or of an owner of leases, runs: host and process id."""
    parts = identity.split("/")
    return f"{parts[0]}, process {parts[3]}" if parts[3:] else identity


def is_proven_dead(identity: str) -> bool:
    """Whether the process of that identity, or of an owner of leases that begins with one, ran here and has ended.

    False where that cannot be known: another machine or boot, another process table, or no identity at all.
    """
    try:
        host, boot, table, pid, started = identity.split("/")[:5]
        number = int(pid)
    except ValueError:
        return False
    if f"{host}/{boot}/{table}" != _machine() or _started(number) == started:
        return False
    return not _is_hidden(number)


def _is_hidden(pid: int) -> bool:
    """Whether a process lives that we may not look at: another user's, where /proc is mounted with hidepid."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return not Path(f"/proc/{pid}").exists()
    except ProcessLookupError:
        pass
    return False
