"""What the store asks of a database's driver: transactions and statements, without SQLAlchemy in between.

SQLAlchemy builds a connection, a transaction and an execution anew each time, which costs several times what either
database needs to answer.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, cast

import sqlalchemy as sa

LOCK_WAIT = 30.0
"""Seconds that a writer waits for another, of its own process or not."""


class Answer(NamedTuple):
    """The rows of a statement that brings some, as tuples; and how many it found or changed, or who knows it."""

    rows: list[Any]
    touched: int | Callable[[], int]


class Driver(Protocol):
    """One connection. Whatever fails raises SQLAlchemy's errors."""

    dialect: sa.Dialect
    """Statements for `run` are compiled in it."""
    reads_types: bool
    """Whether values come back as the columns' types want them, JSON among them."""

    @property
    def in_transaction(self) -> bool:
        """Whether something is begun, by `begin` or by SQLAlchemy on the same connection."""
        ...

    @property
    def is_lost(self) -> bool:
        """Whether the server has gone: nothing will ever come of this connection."""
        ...

    def confine(self, *, write: bool) -> None:
        """Say, once, whether anything may be written on this connection."""
        ...

    def begin(self, *, write: bool) -> None:
        """Begin the one write of the moment, waiting for the one before, or a read of one moment."""
        ...

    def settle(self) -> None:
        """Wait until all that was run has its answer; SQLAlchemy may use the connection then."""
        ...

    def commit(self) -> None:
        """End what is begun, durably."""
        ...

    def rollback(self) -> None:
        """Leave nothing of what is begun."""
        ...

    def run(self, sql: str, values: Sequence[Any], *, rows: bool = True) -> Answer:
        """Run one statement in whatever is begun, or by itself.

        One that brings no `rows` may fail with a later one, or at the end.
        """
        ...

    def demand(self, sql: str, values: Sequence[Any], *, otherwise: Callable[[], Exception]) -> None:
        """Let nothing be committed unless this query finds a row.

        Raises: what `otherwise` makes, here or from what comes later, and at the latest from `commit`.
        """
        ...


def as_sqlalchemy(error: Exception, sql: str, kind: type[Exception]) -> sa.exc.DBAPIError:
    """What SQLAlchemy would have raised in place of a driver's error, whose errors are all of `kind`.

    Parameters are nobody's business.
    """
    return cast("sa.exc.DBAPIError", sa.exc.DBAPIError.instance(sql, None, error, kind))
