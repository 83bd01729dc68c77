"""Connections to SQLite that stay open between transactions, begun and ended on the driver.

To check a connection out of a pool and back, and to wrap a transaction in objects, costs more than the transaction.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import sqlalchemy as sa

from orket_pipelines.store.prepared import as_sqlalchemy

Pair = tuple[sa.Connection, sqlite3.Connection]
"""SQLAlchemy's connection, and the driver's under it."""


class Connections:
    """The open connections of one SQLite database; usable from many threads.

    Those that read cannot write: a write in a read would pass by the fence and by the writers' queue. Who comes gets
    the one that was used last, whose cache is warm; so there are as many as were ever needed at once.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._idle: dict[bool, list[Pair]] = {False: [], True: []}

    @contextmanager
    def transaction(self, *, write: bool) -> Iterator[Pair]:
        """Commits at the end, or leaves nothing. Raises: SQLAlchemy's errors."""
        idle = self._idle[write]
        try:
            pair = idle.pop()
        except IndexError:
            pair = self._open(write=write)
        connection, driver = pair
        try:
            _run(driver, "BEGIN IMMEDIATE" if write else "BEGIN")
            yield pair
            _end(connection, driver)
        except BaseException:
            # What SQLAlchemy ran by itself left it in a transaction of its own; it is the driver's.
            connection.rollback()
            driver.rollback()
            raise
        finally:
            idle.append(pair)

    def close(self) -> None:
        """Give all back that are not in use."""
        for idle in self._idle.values():
            while idle:
                idle.pop()[0].close()

    def _open(self, *, write: bool) -> Pair:
        connection = self._engine.connect()
        driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
        _run(driver, f"PRAGMA query_only={'OFF' if write else 'ON'}")
        return connection, driver


def _end(connection: sa.Connection, driver: sqlite3.Connection) -> None:
    if connection.in_transaction():
        connection.commit()
    else:
        _run(driver, "COMMIT")


def _run(driver: sqlite3.Connection, sql: str) -> None:
    try:
        driver.execute(sql)
    except sqlite3.Error as error:
        raise as_sqlalchemy(error, sql) from error
