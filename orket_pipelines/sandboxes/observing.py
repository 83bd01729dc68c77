"""What was seen of sandboxes, as events: the material of uptime."""

from typing import Any

import sqlalchemy as sa

from orket_pipelines.sandboxes.model import Sandbox, SandboxState
from orket_pipelines.sandboxes.uptime import Observation, is_up
from orket_pipelines.store import Transaction, append, tables

OBSERVED, CHANGED = "sandbox.observed", "sandbox.changed"
_events = tables.events


def observe(tx: Transaction, sandbox: Sandbox, *, unknown: str | None = None) -> None:
    """Record that somebody looked, and what they saw; `unknown` says why nothing could be seen."""
    seen = {"rock_id": sandbox.rock_id, "generation": sandbox.generation, "state": str(sandbox.state)}
    up = None if unknown is not None else is_up(sandbox.state, sandbox.serving)
    append(tx, OBSERVED, sandbox.id, seen | {"up": up, "unknown": unknown})


def observations(tx: Transaction, sandbox_id: str, *, since: int) -> list[Observation]:
    """What was seen of a sandbox since then (microseconds): by looks, and by what changed it; in order."""
    query = sa.select(_events.c.kind, _events.c.at, _events.c.payload).where(
        _events.c.workspace_id == tx.workspace_id,
        _events.c.subject == sandbox_id,
        _events.c.kind.in_([OBSERVED, CHANGED]),
        _events.c.at >= since,
    )
    rows = tx.execute(query.order_by(_events.c.seq))
    return [Observation(row.at, _up(row.kind, row.payload)) for row in rows]


def last_observed(tx: Transaction, sandbox_id: str) -> int | None:
    """When somebody looked last, or it changed; None: never."""
    newest = sa.select(sa.func.max(_events.c.at)).where(
        _events.c.workspace_id == tx.workspace_id,
        _events.c.subject == sandbox_id,
        _events.c.kind.in_([OBSERVED, CHANGED]),
    )
    return tx.execute(newest).scalar()


def _up(kind: str, payload: dict[str, Any]) -> bool | None:
    if kind == OBSERVED:
        told = payload["up"]
        return told if isinstance(told, bool) else None
    return is_up(SandboxState(str(payload["state"])), payload.get("serving"))
