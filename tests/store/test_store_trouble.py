"""What a user is told when disk or server do not do their part."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from orket_pipelines.errors import StoreError
from orket_pipelines.store import Store, append, postgresql, read_events
from orket_pipelines.store.engine import _remedy

pytestmark = pytest.mark.slow


def fill(store: Store) -> tuple[int, StoreError]:
    """Write until the store refuses: how many events are in it as far as the writer was told, and the refusal."""
    for number in range(10_000):
        try:
            with store.write() as tx:
                append(tx, "test.written", "one half", {"text": "x" * 3_000})
                append(tx, "test.written", "the other", {"text": "x" * 3_000})
        except StoreError as error:
            return 2 * number, error
    raise AssertionError


def events_in(store: Store) -> int:
    with store.read() as tx:
        return len(read_events(tx, limit=100_000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may make a small disk")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_is_named_and_nothing_is_half_done(small_disk: Path) -> None:
    store = Store.open(f"sqlite:///{small_disk}/orket.db")
    written, refusal = fill(store)

    assert "full" in str(refusal)
    assert refusal.next_step.startswith("Free disk space")
    assert written > 0
    assert events_in(store) == written
    store.close()


def test_a_database_at_its_size_limit_refuses_whole_transactions(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/orket.db")
    store.close()

    @event.listens_for(store.engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 200")

    written, refusal = fill(store)

    assert "full" in str(refusal)
    assert events_in(store) == written
    store.close()


def test_a_read_only_home_is_named_with_the_way_out(small_disk: Path) -> None:
    Store.open(f"sqlite:///{small_disk}/orket.db").close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)

    with pytest.raises(StoreError) as refused:
        Store.open(f"sqlite:///{small_disk}/orket.db")
    assert f"{small_disk}/orket.db" in str(refused.value)
    assert "writable" in refused.value.next_step


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="cannot be made") as refused:
        Store.open(f"sqlite:///{tmp_path}/file/deeper/orket.db")
    assert "ORKET_HOME" in refused.value.next_step


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "orket.db").write_text("This is a text. " * 100)

    with pytest.raises(StoreError, match="not a database") as refused:
        Store.open(f"sqlite:///{tmp_path}/orket.db")
    assert "restore the database" in refused.value.next_step


def test_a_server_that_is_down_is_named_without_its_password() -> None:
    with pytest.raises(StoreError) as refused:
        Store.open("postgresql+psycopg://orket:secret@127.0.0.1:1/orket")

    assert "127.0.0.1:1" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert refused.value.next_step.startswith("Check that the database server runs")


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "CONNECT_WAIT", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StoreError, match="timeout") as refused:
            Store.open(f"postgresql+psycopg://orket@127.0.0.1:{silent.getsockname()[1]}/orket")
    assert refused.value.next_step.startswith("Check that the database server runs")


@pytest.mark.postgres
def test_a_process_that_stops_within_a_transaction_holds_up_others_for_a_while_and_its_write_is_refused(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "IDLE_LIMIT", 0.3)
    url = postgres.create()
    stopped, other = Store.open(url), Store.open(url)

    def write() -> None:
        with stopped.write() as tx:
            append(tx, "test.written", "before it stopped", {})
            with other.write() as meanwhile:
                append(meanwhile, "test.written", "meanwhile", {})
            append(tx, "test.written", "too late", {})

    with pytest.raises(StoreError) as refused:
        write()
    assert refused.value.next_step.startswith("Check that the database server runs")
    with stopped.write() as tx:
        assert [event.subject for event in read_events(tx)] == ["meanwhile"]
    for store in (stopped, other):
        store.close()
    postgres.drop(url)


@pytest.mark.postgres
def test_a_server_that_is_lost_within_a_transaction_leaves_nothing_of_it_and_the_next_one_goes_on(
    postgres: Any,
) -> None:
    url = postgres.create()
    store = Store.open(url)

    def write() -> None:
        with store.write() as tx:
            append(tx, "test.written", "one half", {})
            postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'")
            append(tx, "test.written", "the other", {})

    with pytest.raises(StoreError) as refused:
        write()
    assert refused.value.next_step.startswith("Check that the database server runs")
    assert events_in(store) == 0
    with store.write() as tx:
        append(tx, "test.written", "afterwards", {})
    assert events_in(store) == 1
    store.close()
    postgres.drop(url)


@pytest.mark.postgres
def test_a_server_that_was_started_again_between_two_transactions_is_not_noticed(postgres: Any) -> None:
    url = postgres.create()
    store = Store.open(url)
    with store.read(), store.read(), store.write() as tx:
        append(tx, "test.written", "before", {})
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'")

    with store.write() as tx:
        append(tx, "test.written", "afterwards", {})
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname <> 'postgres'")
    assert events_in(store) == 2
    store.close()
    postgres.drop(url)


def test_an_error_in_a_statement_stays_what_it_is(store: Store) -> None:
    twice = "INSERT INTO cursors (workspace_id, consumer, seq) VALUES ('w', 'c', 1), ('w', 'c', 1)"

    with pytest.raises(sa.exc.IntegrityError), store.write() as tx:
        tx.execute(sa.text(twice))


@pytest.mark.parametrize(
    ("reason", "begins"),
    [
        ("database is locked", "Another process holds the store"),
        ("attempt to write a readonly database", "Make ORKET_HOME writable"),
        ("unable to open database file", "Check that ORKET_HOME exists"),
        ("something new", "Check the store: orket doctor"),
    ],
)
def test_every_reason_has_a_next_step(reason: str, begins: str) -> None:
    assert _remedy(reason).startswith(begins)
