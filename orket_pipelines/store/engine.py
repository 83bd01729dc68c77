"""Transactions on SQLite or PostgreSQL: one shape, one writer at a time, fenced."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, overload

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.errors import LeaseLost, StoreError
from orket_pipelines.store import drivers, sqlite, tables
from orket_pipelines.store.connections import Connections, Pair
from orket_pipelines.store.drivers import Driver
from orket_pipelines.store.prepared import Prepared, Rows

if TYPE_CHECKING:
    from orket_pipelines.store.leases import Lease

_fence = Prepared(
    sa.select(tables.leases.c.name).where(
        tables.leases.c.workspace_id == sa.bindparam("workspace_id"),
        tables.leases.c.name == sa.bindparam("name"),
        tables.leases.c.token == sa.bindparam("token"),
    )
)


@dataclass(frozen=True, slots=True)
class Origin:
    """Who causes what is written: a role, `system` or a person; and the run and correlation it belongs to."""

    actor: str = "system"
    correlation_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One open transaction; everything in it commits or nothing. `now` is one time for all that it writes."""

    workspace_id: str
    now: int
    origin: Origin
    _connection: sa.Connection
    _driver: Driver

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._connection.dialect.name

    @property
    def connection(self) -> sa.Connection:
        """For what only SQLAlchemy can run; it is part of the transaction."""
        self._driver.settle()
        return self._connection

    @overload
    def execute(self, statement: Prepared, parameters: Mapping[str, Any]) -> Rows: ...

    @overload
    def execute(
        self, statement: sa.Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> sa.CursorResult[Any]: ...

    def execute(
        self,
        statement: Prepared | sa.Executable,
        parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> sa.CursorResult[Any] | Rows:
        """Run one statement."""
        if isinstance(statement, Prepared):
            given: Any = parameters
            return statement.run(self._driver, given)
        return self.connection.execute(statement, parameters)

    def refresh_statistics(self, *changed: sa.Table) -> None:
        """Have PostgreSQL look at tables of which much has changed. By itself it does so up to a minute later, and
        until then reads whole workspaces for single rows. SQLite needs none of it."""
        if self.dialect == "postgresql":
            for table in changed:
                self.connection.execute(sa.text(f"ANALYZE {table.name}"))


class Store:
    """The database of one ORKET_HOME, seen from one workspace, on behalf of one origin.

    `acting()` gives another view of the same database; views are cheap and share the connections.
    Usable from many threads: each transaction has a connection of its own.
    """

    def __init__(self, engine: sa.Engine, workspace_id: str = "default", clock: Clock | None = None) -> None:
        self.engine = engine
        self.workspace_id = workspace_id
        self.clock: Clock = clock or SystemClock()
        self.origin = Origin()
        self.fence: Lease | None = None
        self._connections = _connections(engine)
        self._writers = _Queue(alone=engine.dialect.name == "sqlite")
        self._explained = _Explained(engine)

    @classmethod
    def open(cls, url: str, *, workspace_id: str = "default", clock: Clock | None = None) -> "Store":
        """Connect and bring the schema up to date.

        Raises: StoreError where the database cannot be opened or is newer than this release.
        """
        from orket_pipelines.store.migrate import upgrade  # noqa: PLC0415 - Alembic loads only when a store opens

        engine = create_engine(url)
        with _Explained(engine):
            upgrade(engine)
        return cls(engine, workspace_id, clock)

    def acting(self, *, fence: "Lease | None" = None, **origin: str | None) -> "Store":
        """The same store for another origin (`actor=`, `run_id=`, `correlation_id=`), its writes fenced by `fence`."""
        view = object.__new__(Store)
        view.__dict__.update(self.__dict__)
        view.origin = replace(self.origin, **origin)  # type: ignore[arg-type]
        view.fence = fence or self.fence
        return view

    @property
    def commits(self) -> int:
        """How many writes this process has committed, through this view or another of the same store."""
        return self._writers.commits

    def read(self) -> AbstractContextManager[Transaction]:
        """A consistent view; nothing may be written."""
        return self._transaction(write=False)

    def glance(self) -> AbstractContextManager[Transaction]:
        """A read whose statements each see the moment they run in: for one statement, or where nothing can change
        between two of them. SQLite takes each for a transaction by itself, which costs a third of `read`."""
        return self._transaction(write=False, whole=False)

    def write(self) -> AbstractContextManager[Transaction]:
        """The one writer of the moment; commits durably at the end, or not at all.

        Raises: LeaseLost where the lease of this view was taken over; StoreError where the disk or the server refuses.
        """
        return self._transaction(write=True)

    def close(self) -> None:
        """Give back all connections."""
        self._connections.close()
        self.engine.dispose()

    def _transaction(self, *, write: bool, whole: bool = True) -> AbstractContextManager[Transaction]:
        arrive, writers = (self._arrive, self._writers) if write else (None, None)
        return _Open(self._connections, writers, self._explained, self._start, arrive=arrive, whole=whole)

    def _start(self, pair: Pair) -> Transaction:
        return Transaction(self.workspace_id, self.clock.now(), self.origin, *pair)

    def _arrive(self, driver: Driver) -> None:
        """Have nothing committed but under the lease; who has none waits for the turn, whose time is theirs."""
        fence = self.fence
        if fence is None:
            driver.settle()
            return
        held = {"workspace_id": self.workspace_id, "name": fence.name, "token": fence.token}
        _fence.demand(driver, held, otherwise=partial(_taken_over, fence))


def _taken_over(fence: "Lease") -> LeaseLost:
    return LeaseLost(f"{fence.name}: another worker has taken over from token {fence.token}; nothing was written")


class _Open:
    """One transaction, written out: the generators that would say the same cost more than it does.

    `writers` is the queue that a write waits in, and `arrive` what it does first; None for a read. Without `whole`,
    nothing is begun.
    """

    __slots__ = ("_arrive", "_connections", "_explained", "_pair", "_start", "_whole", "_writers")

    def __init__(
        self,
        connections: Connections,
        writers: "_Queue | None",
        explained: "_Explained",
        start: Callable[[Pair], Transaction],
        *,
        arrive: Callable[[Driver], None] | None,
        whole: bool,
    ) -> None:
        self._connections, self._writers, self._explained = connections, writers, explained
        self._start, self._arrive, self._whole = start, arrive, whole

    def __enter__(self) -> Transaction:
        write = self._writers is not None
        if self._writers is not None:
            self._writers.__enter__()
        try:
            self._pair = self._connections.begin(write=write, whole=self._whole, arrive=self._arrive)
        except BaseException as error:
            self._leave(error)
            raise
        try:
            return self._start(self._pair)
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                self._connections.end(self._pair, write=self._writers is not None)
            else:
                self._connections.undo(self._pair, write=self._writers is not None)
        except BaseException as wrong:
            self._leave(wrong)
            raise
        self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        if self._writers is not None:
            self._writers.__exit__(None if error is None else type(error))
        self._explained.__exit__(None, error, None)


class _Queue:
    """Threads of one process queue here rather than in SQLite's busy handler, which sleeps and is unfair.

    PostgreSQL has a queue for all, which each leaves before its commit has reached the disk.
    """

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._turn, self._counting = threading.Lock(), threading.Lock()
        self.commits = 0

    def __enter__(self) -> None:
        if self._alone and not self._turn.acquire(timeout=drivers.LOCK_WAIT):
            raise StoreError(
                f"a write has waited {drivers.LOCK_WAIT:g} s for another one of this process",
                next_step="A transaction is held open, or opened within another: please report it.",
            )

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            with self._counting:
                self.commits += 1
        if self._alone:
            self._turn.release()


def create_engine(url: str) -> sa.Engine:
    """An engine with the store's transaction rules, on either database."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return sqlite.open_engine(parsed)
    from orket_pipelines.store import postgresql  # noqa: PLC0415 - its driver comes with an extra

    return postgresql.open_engine(parsed)


def _connections(engine: sa.Engine) -> Connections:
    if engine.dialect.name == "sqlite":
        return Connections(engine, sqlite.SqliteDriver)
    from orket_pipelines.store.postgresql import ServerDriver  # noqa: PLC0415 - its driver comes with an extra

    return Connections(engine, ServerDriver)


class _Explained:
    """Turns what a driver says of disk and server into one clear line; a URL is shown without its password."""

    def __init__(self, engine: sa.Engine) -> None:
        self._url = engine.url

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        # The others say that a statement is wrong, not that the store is.
        wrong = (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError)
        if isinstance(error, sa.exc.DatabaseError) and not isinstance(error, wrong):
            said = str(error.orig)
            raise StoreError(f"the store {self._url} refused: {said}", next_step=_remedy(said)) from error


def _remedy(reason: str) -> str:
    known = {
        "read-only transaction": "Write in Store.write(): this is a mistake in the program, please report it.",
        "disk I/O error": "Free or check the disk where ORKET_HOME lies, then run the same command again.",
        "full": "Free disk space where ORKET_HOME lies, then run the same command again: nothing is half done.",
        "readonly": "Make ORKET_HOME writable for this user, then run the same command again.",
        "lock timeout": "Another process holds the store, or a transaction was opened within another; stop it or wait, "
        "then run the same command again.",
        "locked": "Another process holds the store; stop it or wait, then run the same command again.",
        "unable to open": "Check that ORKET_HOME exists and is writable: orket doctor",
        "not a database": "Point ORKET_HOME at another folder, or restore the database from a backup.",
        "malformed": "Restore the database from a backup.",
        "connection": "Check that the database server runs, then run the same command again: nothing is half done.",
    }
    return next((remedy for word, remedy in known.items() if word in reason), "Check the store: orket doctor")
