"""Reads of the event log for the drain."""

import json
from typing import Any

import sqlalchemy as sa

from orket_pipelines.store import Transaction, tables

BATCH = 10_000
"""Events copied in one transaction: 150,000 a second at this size, and some 20 MB where every payload is long."""

_events = tables.events
_mine = _events.c.workspace_id == sa.bindparam("workspace_id")
_columns = (
    *(
        _events.c[name]
        for name in ("seq", "id", "workspace_id", "kind", "schema_version", "at", "actor", "correlation_id", "run_id")
    ),
    _events.c.subject,
    # As text, because DuckDB takes text: to decode and encode each payload would cost five times the whole read.
    sa.cast(_events.c.payload, sa.Text),
)
_after = sa.select(*_columns).where(_mine, _events.c.seq > sa.bindparam("after")).order_by(_events.c.seq).limit(BATCH)
_last = sa.select(_events.c.seq, _events.c.id).where(_mine).order_by(_events.c.seq.desc()).limit(1)
_id_at = sa.select(_events.c.id).where(_mine, _events.c.seq == sa.bindparam("seq"))


def events_after(tx: Transaction, seq: int) -> list[tuple[Any, ...]]:
    """The next events as rows of the warehouse, at most BATCH of them."""
    rows: list[Any] = list(tx.execute(_after, {"workspace_id": tx.workspace_id, "after": seq}))
    return [(*about, readable(payload)) for *about, payload in rows]


def last_event(tx: Transaction) -> tuple[int, str]:
    """The seq and id of the latest event; (0, "") where there is none."""
    row = tx.execute(_last, {"workspace_id": tx.workspace_id}).first()
    return (row.seq, row.id) if row else (0, "")


def is_in_log(tx: Transaction, seq: int, event_id: str) -> bool:
    """Whether the event log has this event at this place; before the first event it has."""
    return seq == 0 or tx.execute(_id_at, {"workspace_id": tx.workspace_id, "seq": seq}).scalar() == event_id


def readable(payload: str) -> str:
    """The payload as DuckDB can read it: half a surrogate pair, which Python's JSON lets through, becomes `?`."""
    if "\\ud" not in payload:
        return payload
    return json.dumps(json.loads(payload), ensure_ascii=False).encode("utf-8", "replace").decode()
