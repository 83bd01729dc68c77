"""SQLite in WAL with synchronous=FULL, so that what is committed has reached the disk."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from orket_pipelines.errors import StoreError
from orket_pipelines.store import drivers
from orket_pipelines.store.drivers import Answer, as_sqlalchemy
from orket_pipelines.store.prepared import encode

CHECKPOINT_PAGES = 1_000
"""Pages of the log before it is folded into the database: 4 MB. From then on the log is written over, which costs
a third less CPU and half the waits of lengthening it."""


def open_engine(url: sa.URL) -> sa.Engine:
    """Raises: StoreError where the folder of the database cannot be made."""
    if url.database:
        _make_folder(Path(url.database).parent)
    arguments = {"timeout": drivers.LOCK_WAIT, "check_same_thread": False}
    engine = sa.create_engine(url, connect_args=arguments, pool_size=10, max_overflow=-1, json_serializer=encode)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


class SqliteDriver:
    """Python's own driver."""

    reads_types = False
    is_lost = False

    def __init__(self, connection: sa.Connection) -> None:
        self.dialect = connection.dialect
        self._driver: Any = connection.connection.dbapi_connection

    @property
    def in_transaction(self) -> bool:
        """As the driver has it."""
        return bool(self._driver.in_transaction)

    def confine(self, *, write: bool) -> None:
        """SQLite refuses writes on a connection that only reads."""
        self.run(f"PRAGMA query_only={'OFF' if write else 'ON'}", ())

    def begin(self, *, write: bool) -> None:
        """A write waits for that of another process."""
        self.run("BEGIN IMMEDIATE" if write else "BEGIN", ())

    def settle(self) -> None:
        """Nothing is left: each statement is waited for."""

    def commit(self) -> None:
        """Returns when it is on the disk."""
        self.run("COMMIT", ())

    def rollback(self) -> None:
        """Nothing happens where nothing is begun."""
        self._driver.rollback()

    def run(self, sql: str, values: Sequence[Any], *, rows: bool = True) -> Answer:  # noqa: ARG002 - all are waited for
        """On the driver, which keeps the statements it has parsed."""
        try:
            cursor = self._driver.execute(sql, values)
            return Answer(cursor.fetchall(), cursor.rowcount)
        except sqlite3.Error as error:
            raise as_sqlalchemy(error, sql, sqlite3.Error) from error

    def demand(self, sql: str, values: Sequence[Any], *, otherwise: Callable[[], Exception]) -> None:
        """At once."""
        if not self.run(sql, values).rows:
            raise otherwise()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be made: {error.strerror}",
            next_step="Point ORKET_HOME at a folder that this user may write.",
        ) from error


def _prepare(connection: Any, _record: object) -> None:
    # Python's own transaction handling begins late and never IMMEDIATE; ours is in _begin.
    connection.isolation_level = None
    _write_ahead(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={CHECKPOINT_PAGES}"):
        connection.execute(f"PRAGMA {pragma}")


def _write_ahead(connection: Any) -> None:
    """Turn a new database to its write-ahead log; SQLite refuses at once, whatever its timeout, if another writes."""
    give_up = time.monotonic() + drivers.LOCK_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    """Begin what SQLAlchemy begins; nothing where `Connections` has begun already."""
    driver = SqliteDriver(connection)
    if not driver.in_transaction:
        write = bool(connection.get_execution_options().get("orket_write"))
        driver.confine(write=write)
        driver.begin(write=write)
