"""Reads and writes of what is installed."""

from dataclasses import dataclass

import sqlalchemy as sa

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.errors import InstallFailed
from orket_pipelines.store import Prepared, Transaction, append, tables

LOG_LIMIT = 20_000
"""Characters of a log that are kept; its end says most."""
USED_AGAIN_AFTER = 3_600 * MICROSECONDS
"""How old `used_at` gets before it is written anew."""

_sets = tables.dependency_sets
_by_key = sa.and_(_sets.c.workspace_id == sa.bindparam("b_workspace_id"), _sets.c.key == sa.bindparam("b_key"))
_select = Prepared(sa.select(_sets.c.location, _sets.c.used_at).where(_by_key))
_delete = Prepared(sa.delete(_sets).where(_by_key))
_insert = Prepared(sa.insert(_sets))
_use = Prepared(sa.update(_sets).where(_by_key))


@dataclass(frozen=True, slots=True)
class Installed:
    """A complete installation. `location` is its volume or folder; `used_at` is an hour late at most."""

    location: str
    used_at: int


def find_set(tx: Transaction, key: str) -> Installed | None:
    """What is installed for `key`."""
    row = tx.execute(_select, {"b_workspace_id": tx.workspace_id, "b_key": key}).first()
    return Installed(row.location, row.used_at) if row else None


def record_set(tx: Transaction, key: str, *, ecosystem: str, location: str, log: str, subject: str) -> None:
    """Store that `location` is complete, in place of one that is gone; a `dependencies.installed` event."""
    tx.execute(_delete, {"b_workspace_id": tx.workspace_id, "b_key": key})
    facts = {"key": key, "ecosystem": ecosystem, "location": location}
    times = {"installed_at": tx.now, "used_at": tx.now}
    tx.execute(_insert, {"workspace_id": tx.workspace_id, "log": log[-LOG_LIMIT:], **facts, **times})
    append(tx, "dependencies.installed", subject, facts)


def record_failure(tx: Transaction, key: str, *, ecosystem: str, error: InstallFailed, subject: str) -> None:
    """A `dependencies.failed` event."""
    payload = {"key": key, "ecosystem": ecosystem, "error": str(error)[-LOG_LIMIT:]}
    append(tx, "dependencies.failed", subject, payload)


def touch_set(tx: Transaction, key: str) -> None:
    """Store that the set is in use."""
    tx.execute(_use, {"b_workspace_id": tx.workspace_id, "b_key": key, "used_at": tx.now})


def is_due(installed: Installed, now: int) -> bool:
    """Whether it is time to write `used_at` anew."""
    return now - installed.used_at >= USED_AGAIN_AFTER


def locations(tx: Transaction) -> set[str]:
    """Every volume and folder that belongs to a set, of whatever workspace."""
    return set(tx.execute(sa.select(_sets.c.location)).scalars())


def forget_unused(tx: Transaction, *, before: int) -> list[str]:
    """Forget the sets that were last used before a time (microseconds); their locations, which nothing names now."""
    mine = sa.and_(_sets.c.workspace_id == tx.workspace_id, _sets.c.used_at < before)
    found = list(tx.execute(sa.select(_sets.c.location).where(mine).order_by(_sets.c.location)).scalars())
    tx.execute(sa.delete(_sets).where(mine))
    return found
