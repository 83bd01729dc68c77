"""The event log: append-only, written in the transaction of the change, read by consumers with their own cursor."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from orket_pipelines.store import tables
from orket_pipelines.store.engine import Store, Transaction
from orket_pipelines.store.identifiers import new_id
from orket_pipelines.store.prepared import Prepared

SCHEMA_VERSION = 1
BATCH = 1_000

_insert = Prepared(sa.insert(tables.events))


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `seq` orders all events of the store; `subject` is the id of the thing it is about."""

    seq: int
    id: str
    workspace_id: str
    kind: str
    schema_version: int
    at: int
    actor: str
    correlation_id: str | None
    run_id: str | None
    subject: str
    payload: dict[str, Any]


def append(tx: Transaction, kind: str, subject: str, payload: Mapping[str, Any]) -> None:
    """Record that `kind` (`noun.past_participle`) happened to `subject`, in the caller's transaction."""
    tx.execute(
        _insert,
        {
            "id": new_id(),
            "workspace_id": tx.workspace_id,
            "kind": kind,
            "schema_version": SCHEMA_VERSION,
            "at": tx.now,
            "actor": tx.origin.actor,
            "correlation_id": tx.origin.correlation_id,
            "run_id": tx.origin.run_id,
            "subject": subject,
            "payload": dict(payload),
        },
    )


def read_events(
    tx: Transaction,
    *,
    after: int = 0,
    limit: int = BATCH,
    subject: str | None = None,
    run_id: str | None = None,
    kinds: Iterable[str] | None = None,
) -> list[Event]:
    """The workspace's events with seq > `after`, in order; those about `subject`, caused by a run, or of these kinds,
    where given.

    Writers hold one lock per store while they write (SQLite's own, an advisory one on PostgreSQL), so a seq
    that is visible has no smaller one still to come.
    """
    query = sa.select(tables.events).where(tables.events.c.workspace_id == tx.workspace_id, tables.events.c.seq > after)
    if subject is not None:
        query = query.where(tables.events.c.subject == subject)
    if run_id is not None:
        query = query.where(tables.events.c.run_id == run_id)
    if kinds is not None:
        query = query.where(tables.events.c.kind.in_(list(kinds)))
    rows = tx.execute(query.order_by(tables.events.c.seq).limit(limit))
    return [Event(**row) for row in rows.mappings()]


def latest_seq(tx: Transaction) -> int:
    """The seq of the workspace's newest event; 0 where there is none."""
    newest = sa.select(sa.func.max(tables.events.c.seq)).where(tables.events.c.workspace_id == tx.workspace_id)
    return tx.execute(newest).scalar() or 0


def runs_since(tx: Transaction, seq: int) -> set[str | None]:
    """The runs that caused events after `seq`; None among them where there are events that no run caused."""
    query = sa.select(tables.events.c.run_id).where(
        tables.events.c.workspace_id == tx.workspace_id, tables.events.c.seq > seq
    )
    return set(tx.execute(query.distinct()).scalars())


def cursor_of(tx: Transaction, consumer: str) -> int:
    """The seq of the last event that `consumer` has dealt with; 0 before the first."""
    found = tx.execute(
        sa.select(tables.cursors.c.seq).where(
            tables.cursors.c.workspace_id == tx.workspace_id, tables.cursors.c.consumer == consumer
        )
    ).scalar()
    return found or 0


def move_cursor(tx: Transaction, consumer: str, seq: int) -> None:
    """Remember that `consumer` has dealt with all events up to `seq`; one that is further already stays there."""
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    statement = insert(tables.cursors).values(workspace_id=tx.workspace_id, consumer=consumer, seq=seq)
    ahead = tables.cursors.c.seq < seq
    tx.execute(
        statement.on_conflict_do_update(index_elements=["workspace_id", "consumer"], set_={"seq": seq}, where=ahead)
    )


def consume(store: Store, consumer: str, *, limit: int = BATCH) -> Generator[list[Event]]:
    """Batches of events that `consumer` has not dealt with; its cursor moves when the next batch is asked for.

    A consumer that dies in a batch sees it again, so dealing with a batch twice must change nothing.
    """
    while True:
        with store.read() as tx:
            batch = read_events(tx, after=cursor_of(tx, consumer), limit=limit)
        if not batch:
            return
        yield batch
        with store.write() as tx:
            move_cursor(tx, consumer, batch[-1].seq)
