"""Events go from the event log into the warehouse, and from there into the snapshot that everybody reads.

The warehouse (`warehouse.duckdb`) is the event log as drained. The snapshot (`snapshot.duckdb`) is built beside the one
that stands and takes its place by rename, so a reader never meets a lock or half a table. Both can be deleted: the next
drain makes them again.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from orket_pipelines.analytics import marts
from orket_pipelines.analytics.queries import named
from orket_pipelines.analytics.records import events_after, is_in_log, last_event
from orket_pipelines.errors import StoreError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, failpoint, reach
from orket_pipelines.store.leases import PATIENCE

LEASE = "analytics"
BEFORE_COMMIT = failpoint("analytics.before_drain_commit")
AFTER_COMMIT = failpoint("analytics.after_drain_commit")
BEFORE_PUBLISH = failpoint("analytics.before_publish")
AFTER_PUBLISH = failpoint("analytics.after_publish")

_queries = named("warehouse.sql")


def folder_of(settings: Settings) -> Path:
    """Where the workspace's warehouse and snapshot lie; every workspace but the default one has a folder of its own
    below, so that nobody's SQL sees another tenant's rows."""
    folder = settings.home / "analytics"
    return folder if settings.workspace == "default" else folder / settings.workspace


def snapshot_of(settings: Settings) -> Path:
    """The file to open, read-only, with any DuckDB of this release or later."""
    return folder_of(settings) / "snapshot.duckdb"


def refresh(settings: Settings, store: Store, *, stop: threading.Event | None = None) -> int:
    """Bring the snapshot up to date with the event log; the number of events that were new.

    Where somebody else is at it, this waits; `stop` ends the wait.

    Raises: StoreError where a file cannot be read or written; Stopped.
    """
    return drain(store, folder_of(settings), patience=settings.lease_patience, stop=stop)


def drain(store: Store, folder: Path, *, patience: float = PATIENCE, stop: threading.Event | None = None) -> int:
    """Copy what is new into the folder's warehouse and publish a snapshot of it; the number of events that were new.

    Killed anywhere, the next drain carries on.
    """
    if is_current(store, folder):
        return 0
    keeper = LeaseKeeper(store, patience=patience)
    try:
        with keeper.holding(LEASE, stop=stop or threading.Event()):
            return 0 if is_current(store, folder) else _drain(store, folder)
    finally:
        keeper.close()


def is_current(store: Store, folder: Path) -> bool:
    """Whether the snapshot holds all events, in the tables of this release."""
    snapshot = folder / "snapshot.duckdb"
    if not snapshot.exists():
        return False
    with store.read() as tx:
        last = last_event(tx)
    with _explained(snapshot), duckdb.connect() as connection:
        connection.execute(_queries["attach_to_read"], [str(snapshot)])
        try:
            about = connection.execute(_queries["about"]).fetchone()
        except (duckdb.BinderException, duckdb.CatalogException):
            # Another release made it, with other tables.
            return False
    return about == (*last, marts.definition())


def _drain(store: Store, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    warehouse = folder / "warehouse.duckdb"
    # An unnamed database with the files attached, because DuckDB shares a file opened by name among the whole process.
    with _explained(warehouse), duckdb.connect() as connection:
        connection.execute(_queries["attach_warehouse"], [str(warehouse)])
        connection.execute("USE warehouse")
        connection.execute(_queries["create"])
        copied = _copy_events(store, connection)
        _publish(connection, folder)
    return copied


def _copy_events(store: Store, connection: duckdb.DuckDBPyConnection) -> int:
    seq = _resume(store, connection)
    copied = 0
    while True:
        with store.read() as tx:
            rows = events_after(tx, seq)
        if not rows:
            return copied
        seq, event_id = rows[-1][:2]
        with _transaction(connection):
            copied += _take_in(connection, rows)
            connection.execute(_queries["advance"], [seq, event_id])
            reach(BEFORE_COMMIT)
        reach(AFTER_COMMIT)


def _take_in(connection: duckdb.DuckDBPyConnection, rows: list[tuple[Any, ...]]) -> int:
    """How many of these events were not there."""
    connection.execute(_queries["next_batch"])
    appender = connection.appender("arrived")
    appender.append_rows(rows)
    appender.flush()
    ((taken,),) = connection.execute(_queries["take_in"]).fetchall()
    return int(taken)


def _resume(store: Store, connection: duckdb.DuckDBPyConnection) -> int:
    """The seq to go on after; 0 where the warehouse was filled from another event log than this one."""
    seq, event_id = connection.execute(_queries["progress"]).fetchall()[0]
    with store.read() as tx:
        if is_in_log(tx, seq, event_id):
            return int(seq)
    with _transaction(connection):
        connection.execute(_queries["start_over"])
    return 0


def _publish(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Build a snapshot beside the published one, of a copy of it where that saves work, and put it in its place."""
    published, building = folder / "snapshot.duckdb", folder / "snapshot.next.duckdb"
    for left_over in (building, folder / "snapshot.next.duckdb.wal"):
        left_over.unlink(missing_ok=True)
    since = _standing(connection, published)
    if since:
        shutil.copyfile(published, building)
    connection.execute(_queries["attach_snapshot"], [str(building)])
    with _transaction(connection):
        marts.build(connection, since=since)
    connection.execute(_queries["leave_snapshot"])
    # Whoever opened it for writing would lock all readers out.
    building.chmod(0o444)
    _sync(building)
    reach(BEFORE_PUBLISH)
    building.replace(published)
    _sync(folder)
    reach(AFTER_PUBLISH)


def _standing(connection: duckdb.DuckDBPyConnection, published: Path) -> int:
    """The seq up to which the published snapshot can be built on; 0 where it cannot."""
    if not published.exists():
        return 0
    connection.execute(_queries["attach_standing"], [str(published)])
    try:
        row = connection.execute(_queries["standing"], [marts.definition()]).fetchone()
    except (duckdb.BinderException, duckdb.CatalogException):
        # Another release made it, with other tables.
        return 0
    finally:
        connection.execute(_queries["leave_standing"])
    return int(row[0]) if row else 0


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what DuckDB and the disk say into one clear line."""
    try:
        yield
    except (duckdb.Error, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise StoreError(f"analytics at {path}: {reason}", next_step=_remedy(path, reason)) from error


def _remedy(path: Path, reason: str) -> str:
    known = {
        "lock": f"Close whatever has a file in {path.parent} open for writing; open snapshot.duckdb read-only.",
        "No space": "Free disk space where ORKET_HOME lies, then run the same command again: nothing is half done.",
        "denied": "Make ORKET_HOME writable for this user, then run the same command again.",
    }
    rebuild = f"Delete {path.parent}: it holds nothing of its own, and the same command fills it again."
    return next((remedy for word, remedy in known.items() if word in reason), rebuild)
