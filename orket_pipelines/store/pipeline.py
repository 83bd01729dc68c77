"""Statements that go to PostgreSQL together, and whose answers are read together: libpq's pipeline mode.

A writer holds up all others from its turn to its commit, and most of what it runs brings nothing that it waits for. To
wait for each answer takes longer than to run the statement, and longer still where other threads want Python meanwhile.
"""

import select
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from orket_pipelines.store.drivers import as_sqlalchemy

ENOUGH = 32_768
"""Bytes that are sent without waiting. libpq holds back less than twice as much; of what is sent without an end, the
server takes no notice when its limits to idling are over."""
_DIVIDED_BY_ZERO = b"22012"
_DONE = frozenset({pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK})


class Owed:
    """The answer to one statement, once `Pipeline.collect` has read it."""

    __slots__ = ("name", "otherwise", "result", "sql")

    def __init__(self, sql: str, name: bytes | None = None, otherwise: Callable[[], Exception] | None = None) -> None:
        self.sql = sql
        self.name = name
        self.otherwise = otherwise
        self.result: pq.abc.PGresult | None = None


class Pipeline:
    """The statements of one connection that nobody has waited for yet; usable by one thread at a time.

    `names` are those of the statements that the server has prepared, which outlive a rollback.
    """

    def __init__(self, server: pq.abc.PGconn, names: dict[str, bytes]) -> None:
        self._server, self._names = server, names
        self._owed: list[Owed] = []
        self._sent = 0
        self._numbers = count()
        self._answers = select.poll()
        self._answers.register(server.socket, select.POLLIN)
        self.is_torn = False
        """Whether reading was broken off, so that nobody knows which answer comes next."""

    def greet(self) -> None:
        """See whether the server has ended the connection meanwhile. Raises: SQLAlchemy's errors."""
        # Why it was ended comes first, and that it was only after that.
        while self._answers.poll(0):
            with _explained(""):
                self._server.consume_input()

    def send(
        self, sql: str, values: Sequence[bytes | None] = (), otherwise: Callable[[], Exception] | None = None
    ) -> Owed:
        """Run it after what was sent before it; nothing is run any more after one that failed.

        What `otherwise` makes is raised where it divides by zero.
        """
        owed = Owed(sql, otherwise=otherwise)
        with _explained(sql):
            if self._server.pipeline_status == pq.PipelineStatus.OFF:
                self._server.enter_pipeline_mode()
            self._server.send_query_prepared(self._names.get(sql) or self._prepare(sql), values)
        self._owed.append(owed)
        self._sent += len(sql) + sum(len(value) for value in values if value)
        if self._sent > ENOUGH:
            self.collect()
        return owed

    def answer(self, owed: Owed) -> pq.abc.PGresult:
        """What was answered to a statement. Raises: SQLAlchemy's error of the first statement that failed."""
        if owed.result is None:
            self.collect()
        return _checked(owed)

    def collect(self) -> None:
        """Wait for all answers. Raises: SQLAlchemy's error of the first statement that failed."""
        owed, self._owed, self._sent = self._owed, [], 0
        if not owed:
            return
        self.is_torn = True
        with _explained(owed[-1].sql):
            self._server.pipeline_sync()
            self._flush()
            self._read(iter(owed))
        self.is_torn = False
        for each in owed:
            _checked(each)
            if each.name is not None:
                self._names[each.sql] = each.name

    def leave(self) -> None:
        """Wait for all answers, and let others use the connection. Raises: as `collect`."""
        try:
            self.collect()
        finally:
            if not self.is_torn and self._server.status == pq.ConnStatus.OK:
                self._server.exit_pipeline_mode()

    def _prepare(self, sql: str) -> bytes:
        name = b"orket_p%d" % next(self._numbers)
        self._server.send_prepare(name, sql.encode())
        self._owed.append(Owed(sql, name))
        return name

    def _flush(self) -> None:
        """Have all that is held back sent; what the server says meanwhile is taken, lest it should wait for that."""
        while self._server.flush():
            self._answers.modify(self._server.socket, select.POLLIN | select.POLLOUT)
            self._answers.poll()
            self._answers.modify(self._server.socket, select.POLLIN)
            self._server.consume_input()

    def _read(self, waiting: Iterator[Owed]) -> None:
        """Answers come in order, each followed by nothing; after the last the mark of what was sent together, or,
        where the server has gone, nothing once more."""
        nothing = False
        while True:
            while self._server.is_busy():
                self._answers.poll()
                self._server.consume_input()
            result = self._server.get_result()
            if result is None:
                if nothing:
                    raise psycopg.OperationalError(self._server.error_message.decode(errors="replace"))
                nothing = True
                continue
            nothing = False
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return
            next(waiting).result = result


@contextmanager
def _explained(sql: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise as_sqlalchemy(error, sql, psycopg.Error) from error


def _checked(owed: Owed) -> pq.abc.PGresult:
    if owed.result is None:
        # It was sent after one that failed, or to a server that has gone; whoever waits was told of that.
        raise as_sqlalchemy(psycopg.OperationalError("the statement was not run"), owed.sql, psycopg.Error)
    if owed.otherwise is not None and owed.result.error_field(pq.DiagnosticField.SQLSTATE) == _DIVIDED_BY_ZERO:
        raise owed.otherwise()
    return check(owed.result, owed.sql)


def check(result: pq.abc.PGresult, sql: str) -> pq.abc.PGresult:
    """The result, where it is one. Raises: SQLAlchemy's errors."""
    if result.status not in _DONE:
        error = error_from_result(result)
        raise as_sqlalchemy(error, sql, psycopg.Error) from error
    return result
