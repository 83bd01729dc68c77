"""Transactions: all or nothing, one writer at a time, and readers who never wait for it."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from orket_pipelines.errors import StoreError
from orket_pipelines.store import Store, append, drivers, read_events
from orket_pipelines.store.tables import events
from tests.conftest import PostgresServer

WRITER = """
import sys
from orket_pipelines.store import Store, append
store = Store.open(sys.argv[1])
for number in range(int(sys.argv[3])):
    with store.write() as tx:
        append(tx, "test.written", sys.argv[2], {"number": number})
"""


def count(store: Store) -> int:
    with store.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(events)).scalar_one())


def write(store: Store, subject: str, number: int = 0) -> None:
    with store.write() as tx:
        append(tx, "test.written", subject, {"number": number})


def test_a_transaction_that_fails_half_way_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            append(tx, "test.written", "a", {})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()

    assert count(store) == 0


def test_everything_written_in_one_transaction_has_one_time(store: Store) -> None:
    with store.write() as tx:
        append(tx, "test.written", "a", {})
        append(tx, "test.written", "b", {})

    with store.read() as tx:
        assert {event.at for event in read_events(tx)} == {1_700_000_000_000_000}


def test_a_reader_does_not_wait_for_a_writer_nor_see_what_is_not_committed(store: Store) -> None:
    with store.write() as tx:
        append(tx, "test.written", "a", {})
        with ThreadPoolExecutor(1) as other:
            assert other.submit(count, store).result(timeout=5) == 0

    assert count(store) == 1


def test_a_writer_does_not_wait_for_a_reader_who_keeps_seeing_what_it_began_with(store: Store) -> None:
    write(store, "before")
    with store.read() as tx:
        assert len(read_events(tx)) == 1
        with ThreadPoolExecutor(1) as other:
            other.submit(write, store, "meanwhile").result(timeout=5)
        assert len(read_events(tx)) == 1

    assert count(store) == 2


def test_each_statement_of_a_glance_sees_the_moment_it_runs_in(database_url: str) -> None:
    store = Store.open(database_url)
    with store.glance() as tx:
        assert read_events(tx) == []
    write(store, "meanwhile")
    with store.glance() as tx:
        assert [event.subject for event in read_events(tx)] == ["meanwhile"]
    store.close()


def test_nothing_can_be_written_at_a_glance(store: Store) -> None:
    with pytest.raises(StoreError, match="read"), store.glance() as tx:
        append(tx, "test.written", "a", {})

    assert count(store) == 0


def test_nothing_can_be_written_in_a_read(store: Store) -> None:
    with pytest.raises(StoreError, match="read"), store.read() as tx:
        append(tx, "test.written", "a", {})

    assert count(store) == 0


def test_the_writes_of_eight_threads_all_arrive_in_the_order_of_each(store: Store) -> None:
    def many(subject: str) -> None:
        for number in range(25):
            write(store, subject, number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(many, "abcdefgh"))

    with store.read() as tx:
        found = read_events(tx)
    assert len(found) == 200
    for subject in "abcdefgh":
        assert [event.payload["number"] for event in found if event.subject == subject] == list(range(25))


@pytest.mark.slow
def test_the_writes_of_four_processes_all_arrive(store: Store, database_url: str) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, database_url, name, "25"], cwd=Path.cwd()) for name in "abcd"
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0, 0]

    with store.read() as tx:
        found = read_events(tx)
    assert len(found) == 100
    for subject in "abcd":
        assert [event.payload["number"] for event in found if event.subject == subject] == list(range(25))


def test_what_an_event_says_of_its_origin_is_what_the_view_of_the_store_says(store: Store) -> None:
    write(store.acting(actor="coder", run_id="run-1", correlation_id="c-1"), "a")
    write(store, "b")

    with store.read() as tx:
        first, second = read_events(tx)
    assert (first.actor, first.run_id, first.correlation_id) == ("coder", "run-1", "c-1")
    assert (second.actor, second.run_id, second.correlation_id) == ("system", None, None)


def test_a_workspace_does_not_see_another(database_url: str, store: Store) -> None:
    other = Store.open(database_url, workspace_id="other")
    write(other, "theirs")
    other.close()

    with store.read() as tx:
        assert read_events(tx) == []


def test_threads_take_turns_rather_than_time_out(store: Store) -> None:
    entered = threading.Event()
    leave = threading.Event()

    def hold() -> None:
        with store.write() as tx:
            entered.set()
            leave.wait(5)
            append(tx, "test.written", "first", {})

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(hold)
        entered.wait(5)
        second = threads.submit(write, store, "second")
        leave.set()
        first.result(5)
        second.result(5)

    with store.read() as tx:
        assert [event.subject for event in read_events(tx)] == ["first", "second"]


def test_a_write_within_a_write_is_named_rather_than_waited_for_for_ever(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers, "LOCK_WAIT", 0.05)

    with store.write(), pytest.raises(StoreError, match=r"waited|lock timeout") as refused:
        write(store, "inner")
    assert "within another" in refused.value.next_step
    write(store, "afterwards")


def test_a_writer_that_another_process_keeps_out_is_told_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two stores of one database stand for two processes."""
    monkeypatch.setattr(drivers, "LOCK_WAIT", 0.1)
    one, other = Store.open(database_url), Store.open(database_url)

    with one.write(), pytest.raises(StoreError) as refused:
        write(other, "late")
    assert refused.value.next_step.startswith("Another process holds the store")
    one.close()
    other.close()


def test_what_postgresql_has_committed_is_in_its_log_on_disk(postgres: PostgresServer) -> None:
    store = Store.open(postgres.create())
    with store.write() as tx:
        append(tx, "test.written", "a", {})
        written = tx.execute(sa.text("SELECT pg_current_wal_insert_lsn()")).scalar_one()
    with store.read() as tx:
        durable = tx.execute(sa.text("SELECT pg_current_wal_flush_lsn() > CAST(:at AS pg_lsn)"), {"at": str(written)})
        assert durable.scalar_one()
    store.close()


def test_where_postgresql_lets_nobody_write_to_its_log_each_commit_waits_for_the_disk(postgres: PostgresServer) -> None:
    """Some who run servers take the right away."""
    url = sa.make_url(postgres.create())
    message = "FUNCTION pg_logical_emit_message(boolean, text, text)"
    postgres.execute("CREATE ROLE plain LOGIN")
    postgres.execute(f"ALTER DATABASE {url.database} OWNER TO plain")
    with psycopg.connect(f"host={url.query['host']} user=orket dbname={url.database}", autocommit=True) as connection:
        connection.execute(f"REVOKE EXECUTE ON {message} FROM PUBLIC".encode())
        connection.execute(b"GRANT ALL ON ALL TABLES IN SCHEMA public TO plain")
        connection.execute(b"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO plain")
    store = Store.open(url.set(username="plain").render_as_string(hide_password=False))
    write(store, "a")
    assert count(store) == 1
    store.close()
