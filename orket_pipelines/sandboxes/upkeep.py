"""What has to be looked at from time to time: sandboxes that ended by themselves, that are too old, ports of nobody."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager

from orket_pipelines.containers.model import GENERATION, SUBJECT
from orket_pipelines.errors import EngineUnavailable
from orket_pipelines.sandboxes import allocations, records
from orket_pipelines.sandboxes.model import RUNS, Sandbox, Sandboxes, SandboxState
from orket_pipelines.sandboxes.observing import observe
from orket_pipelines.sandboxes.runtime import FRONT
from orket_pipelines.store import Lease, LeaseKeeper, Store


def lease_name(rock_id: str) -> str:
    """Whoever changes the sandbox of a rock holds this."""
    return f"sandbox:{rock_id}"


def reconcile(sandboxes: Sandboxes, store: Store) -> list[Sandbox]:
    """Compare what the store says of running sandboxes with the world; those whose state changed.

    What cannot be looked at now stays as it is: that an engine does not answer says nothing of its containers. Each
    look is recorded, and what it saw, if anything. Ports and subnets of sandboxes that are gone are freed.
    """
    with store.write() as tx:
        allocations.release_abandoned(tx)
        found = records.list_sandboxes(tx, RUNS | {SandboxState.FAILED})
    watched = [each for each in found if each.is_to_answer]
    changed: list[Sandbox] = []
    for index, sandbox in enumerate(watched):
        try:
            seen = sandboxes.watch(sandbox)
        except EngineUnavailable as error:
            with store.write() as tx:
                for unseen in watched[index:]:
                    observe(tx, unseen, unknown=str(error))
            return changed
        with store.write() as tx:
            observe(tx, seen)
        if (seen.state, seen.serving) != (sandbox.state, sandbox.serving):
            changed.append(seen)
    return changed


def is_used(labels: Mapping[str, str], sandboxes: Iterable[Sandbox]) -> bool:
    """Whether what bears these labels goes with one of the sandboxes; with the deployment that is begun or the one that
    serves, where it is of a deployment. The front goes with any."""
    if labels.get(SUBJECT) == FRONT:
        return any(sandbox.state is not SandboxState.DELETED for sandbox in sandboxes)
    for sandbox in sandboxes:
        if sandbox.id == labels.get(SUBJECT) and sandbox.state is not SandboxState.DELETED:
            serving = sandbox.serving["generation"] if sandbox.serving is not None else sandbox.generation
            return labels.get(GENERATION, "") in {"", str(sandbox.generation), str(serving)}
    return False


def expired(store: Store, *, kept: Collection[str] = ()) -> list[Sandbox]:
    """Those whose time is over, but for the ones of the rocks `kept`."""
    with store.read() as tx:
        found = records.list_sandboxes(tx, set(SandboxState) - {SandboxState.DELETED})
        old = [each for each in found if each.expires_at is not None and each.expires_at <= tx.now]
    return [each for each in old if each.rock_id not in kept]


def expire(sandboxes: Sandboxes, store: Store, leases: LeaseKeeper, *, kept: Collection[str] = ()) -> list[Sandbox]:
    """Take down those whose time is over, but for the ones of the rocks `kept`; one that somebody is deploying right
    now is left for the next time.

    Raises: EngineUnavailable.
    """
    removed = []
    for sandbox in expired(store, kept=kept):
        with _taken(store, leases, sandbox) as lease:
            if lease is None:
                continue
            with store.read() as tx:
                now = records.get_sandbox(tx, sandbox.id)
            if now == sandbox:
                removed.append(sandboxes.down(now))
    return removed


@contextmanager
def _taken(store: Store, leases: LeaseKeeper, sandbox: Sandbox) -> Iterator[Lease | None]:
    """The lease of a sandbox for the block, or None where somebody has it."""
    with store.write() as tx:
        lease = leases.take(tx, lease_name(sandbox.rock_id))
    if lease is None:
        yield None
        return
    leases.confirm(lease)
    try:
        yield lease
    finally:
        leases.release(lease)
