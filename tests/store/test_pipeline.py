"""What a write on PostgreSQL runs goes to the server together, and is nevertheless whole or not at all."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from orket_pipelines.errors import StoreError
from orket_pipelines.store import Prepared, Store, append, postgresql, read_events, tables
from orket_pipelines.store.pipeline import ENOUGH, Pipeline
from tests.conftest import PostgresServer

pytestmark = pytest.mark.postgres

_share = Prepared(sa.insert(tables.rock_shares))
_names = Prepared(sa.select(tables.rock_shares.c.rock_id).order_by(tables.rock_shares.c.rock_id))


def share(rock: str) -> dict[str, Any]:
    return {"workspace_id": "default", "rock_id": rock, "start": 0.0, "finish": 1.0}


@pytest.fixture
def on_server(postgres: PostgresServer) -> Iterator[Store]:
    url = postgres.create()
    store = Store.open(url)
    yield store
    store.close()
    postgres.drop(url)


def test_a_write_waits_for_its_turn_and_for_its_end_and_for_nothing_between(
    on_server: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []
    collect = Pipeline.collect

    def counted(self: Pipeline) -> None:
        if self._owed:
            waits.append(len(self._owed))
        collect(self)

    monkeypatch.setattr(Pipeline, "collect", counted)
    for number in range(2):
        waits.clear()
        with on_server.write() as tx:
            for rock in range(20):
                tx.execute(_share, share(f"{number}-{rock:02}"))
    turn, end = waits
    assert (turn, end) == (3, 22)


def test_the_first_statement_that_failed_is_told_of_whatever_was_sent_after_it(on_server: Store) -> None:
    def write() -> None:
        with on_server.write() as tx:
            for rock in ("a", "b", "a", "c"):
                tx.execute(_share, share(rock))
            tx.execute(_names, {})

    with pytest.raises(sa.exc.IntegrityError, match="INSERT INTO rock_shares"):
        write()
    with on_server.write() as tx:
        tx.execute(_share, share("a"))
        assert list(tx.execute(_names, {}).scalars()) == ["a"]


def test_what_is_larger_than_libpq_holds_back_arrives_whole(on_server: Store) -> None:
    bodies = ["x" * size for size in (10, ENOUGH - 10, 4 * ENOUGH, 10, 40 * ENOUGH)]
    with on_server.write() as tx:
        for body in bodies:
            append(tx, "test.written", "large", {"body": body})
    with on_server.read() as tx:
        assert [event.payload["body"] for event in read_events(tx)] == bodies


def test_who_is_interrupted_while_waiting_for_a_turn_can_write_afterwards(on_server: Store) -> None:
    with on_server.write() as tx:
        tx.execute(_share, share("a"))
    with sa.create_engine(on_server.engine.url).connect() as other:
        other.execute(sa.text(f"SELECT pg_advisory_xact_lock({postgresql.ADVISORY_LOCK})"))
        with pytest.raises(KeyboardInterrupt), interrupted_after(0.3), on_server.write() as tx:
            tx.execute(_share, share("b"))
    with on_server.write() as tx:
        tx.execute(_share, share("c"))
        assert list(tx.execute(_names, {}).scalars()) == ["a", "c"]


def test_a_turn_that_does_not_come_in_time_is_told_of_before_anything_is_done(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orket_pipelines.store.drivers.LOCK_WAIT", 0.2)
    url = postgres.create()
    store, reached = Store.open(url), False
    with sa.create_engine(url).connect() as other:
        other.execute(sa.text(f"SELECT pg_advisory_xact_lock({postgresql.ADVISORY_LOCK})"))
        with pytest.raises(StoreError, match="lock timeout"), store.write():
            reached = True
    assert not reached
    store.close()
    postgres.drop(url)


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """As Ctrl-C would, in the main thread."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
