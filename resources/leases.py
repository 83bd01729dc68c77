"""Whether a run still lives: it holds a lease while it works, which outlives no process."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from orket_pipelines.store import LeaseKeeper, Store, Transaction
from orket_pipelines.store.leases import dead_leases, held_leases

PREFIX = "run:"
ISSUES = "issue:"
"""The prefix of the leases that workers hold on issues; `orket_pipelines.delivery.places` names it so."""


@contextmanager
def run_lease(store: Store, leases: LeaseKeeper, run_id: str | None) -> Iterator[None]:
    """Hold the lease of this run for the block. A run without an id (a test's direct call) needs none."""
    if run_id is None:
        yield
        return
    with store.write() as tx:
        lease = leases.take(tx, PREFIX + run_id)
    if lease is None:
        # Another resource of this run holds it already.
        yield
        return
    leases.confirm(lease)
    try:
        yield
    finally:
        leases.release(lease)


def living_runs(store: Store, leases: LeaseKeeper) -> set[str]:
    """Ids of runs whose process holds its lease, and is neither proven dead nor silent."""
    with store.read() as tx:
        return _ids(leases.held(tx, PREFIX))


def lost_runs(tx: Transaction) -> set[str]:
    """Ids of runs whose process died, proven on this machine, before it could give its lease back."""
    return _ids(dead_leases(tx, PREFIX))


def open_runs(tx: Transaction) -> set[str]:
    """Ids of runs that hold their lease, dead ones among them."""
    return _ids(held_leases(tx, PREFIX))


def _ids(names: Iterable[str]) -> set[str]:
    return {name.removeprefix(PREFIX) for name in names}
