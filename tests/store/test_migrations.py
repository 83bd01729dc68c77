"""The schema: one release, one shape, on both databases."""

import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from orket_pipelines.errors import StoreError
from orket_pipelines.sandboxes import Deployment, MemorySandboxes
from orket_pipelines.store import Store, append, read_events
from orket_pipelines.store.tables import metadata
from tests.kills import do_and_die

OPENER = """
import sys
from orket_pipelines.store import Store
Store.open(sys.argv[1]).close()
"""


def test_a_fresh_database_has_exactly_the_tables_that_the_code_knows(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_opening_again_changes_nothing(store: Store, database_url: str) -> None:
    with store.write() as tx:
        append(tx, "test.written", "kept", {})
    again = Store.open(database_url)

    with again.read() as tx:
        assert [event.subject for event in read_events(tx)] == ["kept"]
    again.close()


def test_a_database_of_a_newer_release_is_refused_untouched(store: Store, database_url: str) -> None:
    with store.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="9999, which this release does not know") as refused:
        Store.open(database_url)
    assert "Install the release" in refused.value.next_step
    with store.read() as tx:
        assert tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"


def test_a_new_database_that_another_process_is_just_writing_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses to change the journal's mode under a writer at once, whatever its timeout says."""
    other = sqlite3.connect(tmp_path / "orket.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, lambda: other.execute("COMMIT")).start()

    store = Store.open(f"sqlite:///{tmp_path}/orket.db")
    with store.read() as tx:
        assert tx.execute(sa.text("PRAGMA journal_mode")).scalar() == "wal"
    store.close()
    other.close()


@pytest.mark.slow
def test_processes_that_open_a_new_database_at_once_take_turns(tmp_path: Path) -> None:
    for number in range(2):
        command = [sys.executable, "-c", OPENER, f"sqlite:///{tmp_path}/{number}/orket.db"]
        processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()) for _ in range(6)]

        assert [process.communicate(timeout=120)[1] for process in processes] == [""] * 6


@pytest.mark.slow
@pytest.mark.postgres
def test_processes_that_open_a_new_postgresql_database_at_once_take_turns(postgres: Any) -> None:
    command = [sys.executable, "-c", OPENER, postgres.create("empty")]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=Path.cwd()) for _ in range(6)]

    assert [process.communicate(timeout=120)[1] for process in processes] == [""] * 6


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without any schema."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgres")
    url = server.create(f"empty_{uuid.uuid4().hex}")
    yield url
    server.drop(url)


@pytest.mark.parametrize("failpoint", ["store.before_migration_commit", "store.after_migration_commit"])
def test_a_process_killed_while_it_makes_the_schema_is_followed_by_one_that_makes_it(
    failpoint: str, empty_url: str
) -> None:
    assert do_and_die(lambda: Store.open(empty_url), failpoint) == failpoint
    store = Store.open(empty_url)
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()


def test_states_of_sandboxes_bear_the_words_of_this_release(store: Store, database_url: str) -> None:
    sandboxes = MemorySandboxes(store)
    with store.write() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0008'"))
        # What came later comes again.
        tx.execute(sa.text("ALTER TABLE pull_request_comments DROP COLUMN attachments"))
    for rock, before in (("shop", "deploying"), ("todo", "removed")):
        made = sandboxes.deploy(Deployment(rock, rock, "c1", Path()), stop=threading.Event())
        with store.write() as tx:
            tx.execute(sa.text(f"UPDATE sandboxes SET state = '{before}' WHERE id = '{made.id}'"))  # noqa: S608 - ours
    with store.write() as tx:
        tx.execute(sa.text("ALTER TABLE sandboxes DROP COLUMN serving"))
    again = Store.open(database_url)
    with again.read() as tx:
        states = tx.execute(sa.text("SELECT state FROM sandboxes ORDER BY rock_id")).scalars().all()
    assert states == ["creating", "deleted"]
    again.close()
