"""Seats: how many sessions of a role, or with a model, go on at once. Who is not limited needs none."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orket_pipelines.delivery.places import seats_needed, take_seat
from orket_pipelines.delivery.work import Work
from orket_pipelines.errors import Stopped
from orket_pipelines.store import Lease

POLL = 0.2
"""Seconds between two looks for a free seat."""


@contextmanager
def seated(work: Work, role: str, model: str | None) -> Iterator[None]:
    """Hold a seat of the role and one of its model for the block; the issue keeps its place while it waits for them.

    Raises: Stopped where a stop is asked for while waiting.
    """
    settings, leases = work.factory.settings, work.factory.leases
    if not (settings.role_concurrency or settings.model_concurrency):
        yield
        return
    needed = seats_needed(settings, role, model or settings.model)
    taken = _wait_for(work, needed)
    try:
        yield
    finally:
        for lease in taken:
            leases.release(lease)


def _wait_for(work: Work, needed: Sequence[tuple[str, str, int]]) -> list[Lease]:
    while not work.stop.is_set():
        try:
            taken = _take_all(work, needed)
        except _AllTaken:
            work.stop.wait(POLL)
        else:
            return [work.factory.leases.confirm(lease) for lease in taken]
    raise Stopped(f"stopped while waiting for a seat of {' and '.join(name for _, name, _ in needed)}")


def _take_all(work: Work, needed: Sequence[tuple[str, str, int]]) -> list[Lease]:
    """All that are needed or none: nobody holds one and waits for the other."""
    with work.store.write() as tx:
        taken = [take_seat(tx, work.factory.leases, *each) for each in needed]
        if None in taken:
            raise _AllTaken
    return [lease for lease in taken if lease is not None]


class _AllTaken(Exception):
    """Undoes the transaction that found no seat."""
