"""Connections to SQLite that stay open between transactions, begun and ended on the driver.

To check a connection out of a pool and back, and to wrap a transaction in objects, costs more than the transaction.
"""

import sqlite3
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

    def begin(self, *, write: bool, whole: bool = True) -> Pair:
        """A connection for `end` or `undo`, with a transaction open on it, if `whole`. Raises: SQLAlchemy's errors."""
        try:
            pair = self._idle[write].pop()
        except IndexError:
            pair = self._open(write=write)
        try:
            if whole:
                _run(pair[1], "BEGIN IMMEDIATE" if write else "BEGIN")
        except BaseException:
            self._idle[write].append(pair)
            raise
        return pair

    def end(self, pair: Pair, *, write: bool) -> None:
        """Commit what was begun, or leave nothing. Raises: SQLAlchemy's errors."""
        connection, driver = pair
        try:
            if connection.in_transaction():
                connection.commit()
            elif driver.in_transaction:
                _run(driver, "COMMIT")
        except BaseException:
            self.undo(pair, write=write)
            raise
        self._idle[write].append(pair)

    def undo(self, pair: Pair, *, write: bool) -> None:
        """Leave nothing of what was done since `begin`."""
        connection, driver = pair
        try:
            # What SQLAlchemy ran by itself left it in a transaction of its own; it is the driver's.
            connection.rollback()
            driver.rollback()
        finally:
            self._idle[write].append(pair)

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


def _run(driver: sqlite3.Connection, sql: str) -> None:
    try:
        driver.execute(sql)
    except sqlite3.Error as error:
        raise as_sqlalchemy(error, sql) from error
