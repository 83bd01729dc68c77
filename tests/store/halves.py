"""Transactions of two halves, as processes write them that are killed, and what a database holds of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.errors import StoreError
from orket_pipelines.store import Store, append, read_events

TRANSACTIONS = 3


def open_and_close(url: str) -> None:
    """Make the schema, where it is not there."""
    Store.open(url).close()


def write(url: str, acknowledged: Path) -> None:
    """Some transactions of two halves each; a letter is added to the file when one is over."""
    store = Store.open(url)
    for _ in range(TRANSACTIONS):
        write_both(store)
        with acknowledged.open("a") as file:
            file.write(".")
    store.close()


def write_both(store: Store) -> None:
    with store.write() as tx:
        append(tx, "test.written", "one half", {"text": "x" * 3_000})
        append(tx, "test.written", "the other", {"text": "x" * 3_000})


def insist(url: str) -> None:
    """The same, where each refusal is answered by doing it again; what to do about it is told."""
    store = until_done(lambda: Store.open(url))
    for _ in range(TRANSACTIONS):
        until_done(lambda: write_both(store))
    store.close()


def until_done(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except StoreError as error:
        if not error.next_step.startswith(("Free disk space", "Free or check the disk")):
            raise
        return act()


def look(url: str) -> tuple[int, int]:
    """How many events of each half there are, in a database that finds itself whole."""
    store = Store.open(url)
    with store.read() as tx:
        if tx.dialect == "sqlite":
            assert tx.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
        subjects = [event.subject for event in read_events(tx, limit=100_000)]
    store.close()
    return subjects.count("one half"), subjects.count("the other")
