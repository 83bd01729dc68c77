"""Connections that stay open between transactions, begun and ended on the driver.

To check a connection out of a pool and back, and to wrap a transaction in objects, costs more than the transaction.
"""

from collections.abc import Callable

import sqlalchemy as sa

from orket_pipelines.store.drivers import Driver

Pair = tuple[sa.Connection, Driver]
"""SQLAlchemy's connection, and the driver's under it."""


class Connections:
    """The open connections of one database; usable from many threads.

    Those that read cannot write: a write in a read would pass by the fence and by the writers' queue. Who comes gets
    the one that was used last, whose cache is warm; so there are as many as were ever needed at once.
    """

    def __init__(self, engine: sa.Engine, driver: Callable[[sa.Connection], Driver]) -> None:
        self._engine = engine
        self._driver = driver
        self._idle: dict[bool, list[Pair]] = {False: [], True: []}

    def begin(self, *, write: bool, whole: bool = True, arrive: Callable[[Driver], None] | None = None) -> Pair:
        """A connection for `end` or `undo`, with a transaction open on it, if `whole`; `arrive` is the first to use it.

        Raises: SQLAlchemy's errors; what `arrive` raises.
        """
        try:
            pair, is_new = self._idle[write].pop(), False
        except IndexError:
            pair, is_new = self._open(write=write), True
        try:
            if whole:
                pair[1].begin(write=write)
            if arrive is not None:
                arrive(pair[1])
        except BaseException as error:
            lost = pair[1].is_lost and isinstance(error, sa.exc.DBAPIError)
            self.undo(pair, write=write)
            if lost and not is_new:
                # The server was started again meanwhile: nothing was begun that could be lost.
                return self.begin(write=write, whole=whole, arrive=arrive)
            raise
        return pair

    def end(self, pair: Pair, *, write: bool) -> None:
        """Commit what was begun, or leave nothing. Raises: SQLAlchemy's errors."""
        connection, driver = pair
        try:
            if driver.in_transaction:
                driver.commit()
            if connection.in_transaction():
                # What SQLAlchemy ran by itself it takes for its own; there is nothing left of it to end.
                connection.commit()
        except BaseException:
            self.undo(pair, write=write)
            raise
        self._idle[write].append(pair)

    def undo(self, pair: Pair, *, write: bool) -> None:
        """Leave nothing of what was done since `begin`."""
        connection, driver = pair
        if driver.is_lost:
            self._forget(pair)
            return
        try:
            driver.rollback()
            # What SQLAlchemy ran by itself left it in a transaction of its own, of which nothing is left.
            connection.rollback()
        finally:
            if driver.is_lost:
                self._forget(pair)
            else:
                self._idle[write].append(pair)

    def close(self) -> None:
        """Give all back that are not in use."""
        for idle in self._idle.values():
            while idle:
                idle.pop()[0].close()

    def _open(self, *, write: bool) -> Pair:
        connection = self._engine.connect()
        driver = self._driver(connection)
        driver.confine(write=write)
        return connection, driver

    def _forget(self, pair: Pair) -> None:
        """The server has gone, and with it every connection that was open: the next one opens anew."""
        pair[0].invalidate()
        pair[0].close()
        self._engine.dispose()
        for idle in self._idle.values():
            while idle:
                lost = idle.pop()[0]
                lost.invalidate()
                lost.close()
