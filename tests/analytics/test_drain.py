"""The drain: exact after any kill, and rebuilt from the event log to the same rows."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from orket_pipelines.analytics import MARTS, drain, is_current, refresh, snapshot_of, warehouse
from orket_pipelines.analytics.records import BATCH
from orket_pipelines.errors import Stopped, StoreError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, append, new_id, tables

pytestmark = pytest.mark.slow

Look = Callable[[Path, str], list[tuple[Any, ...]]]
FAILPOINTS = (warehouse.BEFORE_COMMIT, warehouse.AFTER_COMMIT, warehouse.BEFORE_PUBLISH, warehouse.AFTER_PUBLISH)
KINDS = (
    *(
        "attempt.started",
        "card.changed",
        "card.commented",
        "card.created",
        "card.moved",
        "code.committed",
        "moon.landed",
    ),
    *("policy.violated", "pull_request.closed", "pull_request.merged", "pull_request.opened", "pull_request.reviewed"),
    *("moon.landed", "session.ended", "session.started", "tests.finished", "tool.called", "turn.completed"),
)
NONSENSE: tuple[dict[str, Any], ...] = (
    {"text": "half a pair \ud83d and a whole one \U0001f600"},
    {"text": "nul \x00 inside"},
    {
        "session_id": 7,
        "number": "many",
        "attempt": "x",
        "cost": {"usd": 1},
        "outcome": [],
        "counts": 3,
        "depends_on": {},
    },
    {"seconds": 10**40, "input_tokens": -1.5, "number": 10**30, "attempt": None, "outcome": "done", "counts": []},
    {"deep": [[[[[[[[[[{}]]]]]]]]]]},
    {},
)
REFRESH = """
import sys
from pathlib import Path
from orket_pipelines.analytics import drain
from orket_pipelines.store import Store
drain(Store.open(sys.argv[1]), Path(sys.argv[2]))
"""


def everything(folder: Path, look: Look) -> dict[str, list[tuple[Any, ...]]]:
    return {mart: look(folder / "snapshot.duckdb", f"FROM {mart}") for mart in MARTS}


def drain_and_die(url: str, folder: Path, failpoint: str) -> int:
    """Drain in a process that is killed at the failpoint; its exit status."""
    command = [sys.executable, "-c", REFRESH, url, str(folder)]
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"ORKET_FAILPOINT": failpoint, "PYTHONPATH": root}
    return subprocess.run(command, env=environment, check=False, timeout=60).returncode


def write_many(store: Store, count: int) -> None:
    with store.write() as tx:
        row = {"workspace_id": "default", "kind": "turn.completed", "schema_version": 1, "at": tx.now}
        row |= {"actor": "coder", "subject": "card"}
        payload = {"session_id": "s", "input_tokens": 1}
        tx.execute(
            sa.insert(tables.events),
            [row | {"id": new_id(), "subject": "card", "payload": payload} for _ in range(count)],
        )


def test_a_drain_copies_every_event_once(story: Store, folder: Path, look: Look) -> None:
    copied = drain(story, folder)
    events = look(folder / "snapshot.duckdb", "SELECT seq, event_id FROM events ORDER BY seq")
    with story.read() as tx:
        logged = tx.execute(sa.select(tables.events.c.seq, tables.events.c.id).order_by(tables.events.c.seq))
        assert events == [tuple(row) for row in logged]
    assert copied == len(events) > 30


def test_a_drain_with_nothing_new_leaves_the_snapshot_alone(story: Store, folder: Path) -> None:
    drain(story, folder)
    before = (folder / "snapshot.duckdb").stat()
    assert drain(story, folder) == 0
    after = (folder / "snapshot.duckdb").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_was_told_before_is_not_read_again(story: Store, folder: Path, look: Look) -> None:
    """Shown by changing it: nothing else ever does."""
    drain(story, folder)
    rows = everything(folder, look)["turns"]
    with duckdb.connect(str(folder / "warehouse.duckdb")) as warehouse:
        warehouse.execute("UPDATE events SET payload = '{}' WHERE kind = 'turn.completed'")
    with story.write() as tx:
        append(tx, "turn.completed", "api", {"session_id": "s9", "card": "api"})
    drain(story, folder)
    after = everything(folder, look)["turns"]
    assert (after[:-1], after[-1][1]) == (rows, "s9")


def test_a_drain_goes_on_where_the_last_one_ended(story: Store, folder: Path, look: Look) -> None:
    drain(story, folder)
    with story.write() as tx:
        append(tx, "card.commented", "api", {"author": "ada", "body": "thanks"})
    assert not is_current(story, folder)
    assert drain(story, folder) == 1
    assert look(folder / "snapshot.duckdb", "SELECT kind FROM events ORDER BY seq DESC LIMIT 1") == [
        ("card.commented",)
    ]


def test_a_deleted_folder_is_rebuilt_to_the_same_rows(story: Store, folder: Path, look: Look) -> None:
    drain(story, folder)
    before = everything(folder, look)
    shutil.rmtree(folder)
    drain(story, folder)
    assert everything(folder, look) == before


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_drain_killed_anywhere_is_carried_on_to_the_same_rows(
    failpoint: str, story: Store, database_url: str, tmp_path: Path, look: Look
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    assert drain_and_die(database_url, killed, failpoint) == -9
    drain(story, killed)
    drain(story, whole)
    assert everything(killed, look) == everything(whole, look)
    assert not list(killed.glob("snapshot.next*"))


@pytest.mark.parametrize("failpoint", ["analytics.before_drain_commit:2", "analytics.after_drain_commit:2"])
def test_a_drain_killed_between_batches_neither_doubles_nor_loses_rows(
    failpoint: str, store: Store, database_url: str, folder: Path, look: Look
) -> None:
    write_many(store, 2 * BATCH + 5)
    assert drain_and_die(database_url, folder, failpoint) == -9
    left = BATCH + 5 if failpoint.startswith("analytics.before") else 5
    assert drain(store, folder) == left
    found = look(folder / "snapshot.duckdb", "SELECT count(*), count(DISTINCT seq) FROM events")
    assert found == [(2 * BATCH + 5, 2 * BATCH + 5)]


def test_a_reader_of_the_old_snapshot_is_not_disturbed_by_a_new_one(story: Store, folder: Path) -> None:
    drain(story, folder)
    with duckdb.connect() as reader:
        reader.execute("ATTACH ? AS opened (READ_ONLY)", [str(folder / "snapshot.duckdb")])
        before = reader.execute("SELECT count(*) FROM opened.events").fetchone()
        with story.write() as tx:
            append(tx, "card.commented", "api", {})
        drain(story, folder)
        assert reader.execute("SELECT count(*) FROM opened.events").fetchone() == before


def test_a_new_event_log_is_not_mistaken_for_the_old_one(
    story: Store, tmp_path: Path, folder: Path, look: Look
) -> None:
    drain(story, folder)
    other = Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    write_many(other, 100)
    assert drain(other, folder) == 100
    assert look(folder / "snapshot.duckdb", "SELECT count(*), min(kind) FROM events") == [(100, "turn.completed")]
    other.close()


def test_an_empty_event_log_gives_empty_tables(store: Store, folder: Path, look: Look) -> None:
    assert drain(store, folder) == 0
    assert is_current(store, folder)
    rows = everything(folder, look)
    assert [mart for mart in MARTS if rows[mart]] == ["about"]


def test_a_snapshot_of_another_release_is_made_again(story: Store, folder: Path, look: Look) -> None:
    folder.mkdir(parents=True)
    with duckdb.connect(str(folder / "snapshot.duckdb")) as old:
        old.execute("CREATE TABLE about AS SELECT 1 AS something_else")
    drain(story, folder)
    assert look(folder / "snapshot.duckdb", "SELECT count(*) FROM cards") == [(3,)]


def test_two_drains_at_once_take_turns(story: Store, folder: Path, look: Look) -> None:
    threads = [threading.Thread(target=drain, args=(story, folder)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert look(folder / "snapshot.duckdb", "SELECT count(*) = count(DISTINCT seq) FROM events") == [(True,)]


def test_a_stop_ends_the_wait_for_somebody_elses_drain(story: Store, settings: Settings) -> None:
    stop = threading.Event()
    keeper = LeaseKeeper(story)
    with keeper.holding(warehouse.LEASE, stop=stop):
        stop.set()
        with pytest.raises(Stopped):
            refresh(settings, story, stop=stop)
    keeper.close()


def test_each_workspace_has_a_snapshot_of_its_own(
    story: Store, settings: Settings, database_url: str, look: Look
) -> None:
    neighbours = Store.open(database_url, workspace_id="neighbours")
    with neighbours.write() as tx:
        append(tx, "card.commented", "theirs", {"body": "secret"})
    theirs = settings.model_copy(update={"workspace": "neighbours"})
    refresh(settings, story)
    assert refresh(theirs, neighbours) == 1
    assert look(snapshot_of(theirs), "SELECT subject FROM events") == [("theirs",)]
    assert look(snapshot_of(settings), "SELECT DISTINCT workspace_id FROM events") == [("default",)]
    neighbours.close()


def test_a_payload_that_makes_no_sense_breaks_nothing(tmp_path: Path, look: Look) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'orket.db'}")
    with store.write() as tx:
        for kind in KINDS:
            for payload in NONSENSE:
                append(tx, kind, "x", payload)
    assert drain(store, tmp_path) == len(KINDS) * len(NONSENSE)
    texts = look(
        tmp_path / "snapshot.duckdb", "SELECT DISTINCT payload ->> 'text' AS text FROM events ORDER BY text NULLS LAST"
    )
    assert texts == [("half a pair ? and a whole one \U0001f600",), ("nul \x00 inside",), (None,)]
    store.close()


def test_an_event_of_a_newer_release_is_kept(store: Store, folder: Path, look: Look) -> None:
    with store.write() as tx:
        append(
            tx, "turn.completed", "x", {"session_id": "s", "number": 1, "model": {"name": "m", "size": 3}, "new": True}
        )
        tx.execute(sa.update(tables.events).values(schema_version=99))
    drain(store, folder)
    assert look(folder / "snapshot.duckdb", "SELECT schema_version FROM events") == [(99,)]
    assert look(folder / "snapshot.duckdb", "SELECT session_id, number FROM turns") == [("s", 1)]


def test_a_warehouse_that_somebody_has_open_is_named_with_what_to_do(story: Store, folder: Path) -> None:
    drain(story, folder)
    with story.write() as tx:
        append(tx, "card.commented", "api", {})
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(folder / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreError, match="lock") as refused:
            drain(story, folder)
        other.communicate()
    assert refused.value.next_step.startswith("Close whatever")
    assert drain(story, folder) == 1


def test_a_broken_warehouse_is_named_with_what_to_do(story: Store, folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "warehouse.duckdb").write_bytes(b"no database" * 1_000)
    with pytest.raises(StoreError) as refused:
        drain(story, folder)
    assert (
        refused.value.next_step == f"Delete {folder}: it holds nothing of its own, and the same command fills it again."
    )


def test_nobody_opens_the_snapshot_for_writing_by_mistake(story: Store, folder: Path) -> None:
    drain(story, folder)
    assert (folder / "snapshot.duckdb").stat().st_mode & 0o222 == 0
