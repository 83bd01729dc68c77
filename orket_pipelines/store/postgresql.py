"""PostgreSQL: writers take turns as SQLite's do, and statements run in the server's own prepared form.

What waits for the disk holds up nobody: a commit lets the next writer in, and then has the server flush its log, which
it does for all who ask at once. The log is written in the order of commits: with a commit, all before it are durable.

libpq is called directly, by psycopg's wrapper of it: psycopg's cursors wait for each answer in Python, which makes a
short statement take three times as long. What a write runs is sent together, up to the next thing that it must know.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import pq
from psycopg.adapt import Transformer
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from orket_pipelines.store import drivers
from orket_pipelines.store.drivers import Answer, as_sqlalchemy
from orket_pipelines.store.pipeline import Pipeline, check
from orket_pipelines.store.prepared import encode

IDLE_LIMIT = 15.0
"""Seconds that the server waits for a process in the midst of a transaction: one that was stopped would hold up all."""
CONNECT_WAIT = 30
"""Seconds for a server to greet: one that was stopped takes connections, and never answers."""
ADVISORY_LOCK = 0x0B2C
"""The lock that makes writers take turns, so that seq is the order of commits."""

# A statement of its own, so that what follows sees what the writer before has left.
_TURN = f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"
_MAY_FLUSH = "SELECT has_function_privilege('pg_logical_emit_message(boolean, text, text)', 'execute')"
# A transaction of its own, as durable as the server's settings say; its log comes after that of the commit.
_FLUSH = "SELECT pg_logical_emit_message(true, 'orket', '')"
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_numbered: sa.Dialect = PGDialect_psycopg(  # type: ignore[no-untyped-call]
    paramstyle="numeric_dollar", json_serializer=encode
)
_AS_TEXT: dict[type, Callable[[Any], bytes | None]] = {
    str: str.encode,
    int: lambda number: b"%d" % number,
    float: lambda number: repr(number).encode(),
    bool: lambda truth: b"t" if truth else b"f",
    type(None): lambda _nothing: None,
}
"""Values as the server reads them; the types that the store's columns have."""


def open_engine(url: sa.URL) -> sa.Engine:
    """An engine whose connections begin nothing by themselves: `_begin` does, for SQLAlchemy too."""
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_WAIT, "autocommit": True, "client_encoding": "utf8"}
    # What psycopg prepares by itself it gives up at a rollback, and with it all that is prepared on the connection.
    arguments["prepare_threshold"] = None
    engine = sa.create_engine(url, connect_args=arguments, pool_size=10, max_overflow=-1, json_serializer=encode)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


class ServerDriver:
    """libpq, and psycopg's way to read what it brings."""

    dialect: sa.Dialect = _numbered
    reads_types = True

    def __init__(self, connection: sa.Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        self._server: pq.abc.PGconn = driver.pgconn
        self._reader = Transformer(driver)
        self._names: dict[str, bytes] = {}
        self._pipeline = Pipeline(self._server, self._names)
        self._writes = False
        self._write, self._commit = ["BEGIN READ WRITE", _TURN], ["COMMIT"]

    @property
    def in_transaction(self) -> bool:
        """As the server has it; one that failed counts until it is rolled back."""
        return self._server.transaction_status not in {pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN}

    @property
    def is_lost(self) -> bool:
        """As libpq has it; or an answer was waited for, and the waiting broken off."""
        return self._server.status != pq.ConnStatus.OK or self._pipeline.is_torn

    def confine(self, *, write: bool) -> None:
        """The server refuses writes where nothing is begun, too."""
        self._command(f"SET default_transaction_read_only = {'off' if write else 'on'}")
        if write and self.run(_MAY_FLUSH, ()).rows == [(True,)]:
            self._write = ["BEGIN READ WRITE", "SET LOCAL synchronous_commit = off", _TURN]
            self._commit = ["COMMIT", _FLUSH]

    def begin(self, *, write: bool) -> None:
        """A write waits for that of any other process, when it first waits for anything."""
        if not write:
            self._command(_READ)
            return
        self._pipeline.greet()
        self._writes = True
        for sql in self._write:
            self._pipeline.send(sql)

    def begin_at_once(self, *, write: bool) -> None:
        """As `begin`, for whoever ends it by itself."""
        self._command("; ".join(self._write) if write else _READ)

    def settle(self) -> None:
        """Only a write owes anything."""
        if self._writes:
            self._pipeline.leave()

    def commit(self) -> None:
        """Returns when it is on the server's disk."""
        if not self._writes:
            self._command("COMMIT")
            return
        for sql in self._commit:
            self._pipeline.send(sql)
        self._pipeline.leave()
        self._writes = False

    def rollback(self) -> None:
        """Nothing happens where nothing is begun, or nobody is there to be told."""
        if self._writes:
            self._writes = False
            # What failed is being told already, or is about to be undone.
            with suppress(sa.exc.DBAPIError):
                self._pipeline.leave()
        if self.in_transaction and not self.is_lost:
            self._command("ROLLBACK")

    def run(self, sql: str, values: Sequence[Any], *, rows: bool = True) -> Answer:
        """Prepared on the server at its first use on this connection."""
        given = [_as_text(value, sql) for value in values]
        if not self._writes:
            return self._read(self._execute(sql, given))
        owed = self._pipeline.send(sql, given)
        if rows:
            return self._read(self._pipeline.answer(owed))
        return Answer([], lambda: self._pipeline.answer(owed).command_tuples or 0)

    def demand(self, sql: str, values: Sequence[Any], *, otherwise: Callable[[], Exception]) -> None:
        """The server itself fails where there is none, and runs nothing any more: a wait less while others wait."""
        asked = f"SELECT 1 / count(*) FROM ({sql}) AS found"  # noqa: S608 - what a module has prepared
        self._pipeline.send(asked, [_as_text(value, sql) for value in values], otherwise)

    def _read(self, result: pq.abc.PGresult) -> Answer:
        if result.status == pq.ExecStatus.COMMAND_OK:
            return Answer([], result.command_tuples or 0)
        self._reader.set_pgresult(result)
        return Answer(self._reader.load_rows(0, result.ntuples, tuple), result.ntuples)

    def _execute(self, sql: str, given: list[Any]) -> pq.abc.PGresult:
        try:
            result = self._server.exec_prepared(self._names.get(sql) or self._prepare(sql), given)
        except psycopg.Error as error:
            raise as_sqlalchemy(error, sql, psycopg.Error) from error
        return check(result, sql)

    def _prepare(self, sql: str) -> bytes:
        name = b"orket_%d" % len(self._names)
        check(self._server.prepare(name, sql.encode()), sql)
        self._names[sql] = name
        return name

    def _command(self, sql: str) -> None:
        try:
            result = self._server.exec_(sql.encode())
        except psycopg.Error as error:
            raise as_sqlalchemy(error, sql, psycopg.Error) from error
        check(result, sql)


def _as_text(value: Any, sql: str) -> bytes | None:
    convert = _AS_TEXT.get(type(value))
    if convert is None:
        # An enumeration's members are texts that know a name.
        convert = next(convert for kind, convert in _AS_TEXT.items() if isinstance(value, kind))
    text = convert(value)
    if text is not None and b"\0" in text:
        # The server would see the text end there.
        error = psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
        raise as_sqlalchemy(error, sql, psycopg.Error)
    return text


def _prepare(connection: "psycopg.Connection[Any]", _record: object) -> None:
    connection.execute(f"SET lock_timeout = '{drivers.LOCK_WAIT:g}s'".encode())
    connection.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_LIMIT:g}s'".encode())


def _begin(connection: sa.Connection) -> None:
    """Begin what SQLAlchemy begins; nothing where `Connections` has begun already."""
    driver = ServerDriver(connection)
    if not driver.in_transaction:
        driver.begin_at_once(write=bool(connection.get_execution_options().get("orket_write")))
