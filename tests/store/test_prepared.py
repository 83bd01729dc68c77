"""Prepared statements say and do what SQLAlchemy would, on both databases."""

from enum import StrEnum
from typing import Any

import pytest
import sqlalchemy as sa

from orket_pipelines.errors import StoreError
from orket_pipelines.store import Prepared, Store, tables

_effects = tables.effects
_insert = Prepared(sa.insert(_effects))
_mine = sa.and_(_effects.c.workspace_id == sa.bindparam("b_workspace"), _effects.c.subject == sa.bindparam("b_subject"))
_columns = ("key", "kind", "intent", "result", "attempt", "fencing_token", "begun_at")
_query = sa.select(*(_effects.c[name] for name in _columns)).where(_mine)
_select = Prepared(_query.order_by(_effects.c.key))
_last = Prepared(_query.order_by(_effects.c.key.desc()).limit(1))
_share = Prepared(sa.insert(tables.rock_shares))
_shares = Prepared(sa.select(tables.rock_shares).where(tables.rock_shares.c.rock_id == sa.bindparam("b_rock")))
_end = Prepared(sa.update(_effects).where(_mine))
_key = {"b_workspace": "default", "b_subject": "s"}


def row(key: str, **values: Any) -> dict[str, Any]:
    """An effect with everything that it must have."""
    needed = {"workspace_id": "default", "key": key, "kind": "k", "subject": "s", "intent": {"to": key}}
    return {**needed, "outcome": "pending", "attempt": 1, "begun_at": 7, **values}


def fill(store: Store) -> None:
    with store.write() as tx:
        tx.execute(_insert, row("a"))
        tx.execute(_insert, row("b", result={"numbers": [1, 2.5, None, "ü"]}))


def test_rows_answer_like_those_of_sqlalchemy(store: Store) -> None:
    fill(store)
    with store.read() as tx:
        plain, prepared = tx.execute(_select.statement, _key).mappings().all(), tx.execute(_select, _key)
        assert prepared.mappings().all() == [dict(each) for each in plain]
        assert [each.intent["to"] for each in prepared] == ["a", "b"]
        assert prepared.first().key == "a"
        assert prepared.scalar() == "a"
        assert list(prepared.scalars()) == ["a", "b"]
        assert prepared.all()[1].result == {"numbers": [1, 2.5, None, "ü"]}


def test_nothing_found_is_none(store: Store) -> None:
    with store.read() as tx:
        found = tx.execute(_select, _key)
        assert (found.first(), found.scalar(), found.all()) == (None, None, [])


def test_a_value_that_stands_in_the_statement_goes_with_it(store: Store) -> None:
    fill(store)
    with store.read() as tx:
        assert [each.key for each in tx.execute(_last, _key)] == ["b"]


def test_an_update_sets_what_is_passed_and_counts_its_rows(store: Store) -> None:
    fill(store)
    with store.write() as tx:
        assert tx.execute(_end, {**_key, "result": {"done": True}}).rowcount == 2
        assert tx.execute(_end, {**_key, "attempt": 3}).rowcount == 2
    with store.read() as tx:
        assert [(each.result, each.attempt) for each in tx.execute(_select, _key)] == [({"done": True}, 3)] * 2


def test_what_the_database_refuses_is_sqlalchemys_error_and_leaves_nothing(store: Store) -> None:
    def write_twice() -> None:
        with store.write() as tx:
            tx.execute(_insert, row("a"))
            tx.execute(_insert, row("a"))

    with pytest.raises(sa.exc.IntegrityError):
        write_twice()
    with store.read() as tx:
        assert tx.execute(_select, _key).all() == []


def test_a_prepared_write_in_a_read_is_refused(store: Store) -> None:
    with pytest.raises(StoreError), store.read() as tx:
        tx.execute(_insert, row("a"))


def test_a_prepared_write_in_a_glance_is_refused(store: Store) -> None:
    with pytest.raises(StoreError), store.glance() as tx:
        tx.execute(_insert, row("a"))


def test_every_kind_of_value_comes_back_as_it_went_in(store: Store) -> None:
    class Colour(StrEnum):
        RED = "red"

    hard = 'it\'s "quoted", \\ and ü 😀\n'
    with store.write() as tx:
        tx.execute(_insert, row(hard, kind=Colour.RED, fencing_token=None, begun_at=2**60, intent={"true": True}))
        tx.execute(_share, {"workspace_id": "default", "rock_id": "r", "start": 0.1, "finish": 1e300})
    with store.read() as tx:
        key = tx.execute(_select, _key).first()
        share = tx.execute(_shares, {"b_rock": "r"}).first()
    assert (key.key, key.kind, key.fencing_token, key.begun_at) == (hard, "red", None, 2**60)
    assert key.intent == {"true": True}
    assert (share.start, share.finish) == (0.1, 1e300)


@pytest.mark.postgres
def test_a_text_that_postgresql_cannot_hold_is_refused_rather_than_cut(postgres: Any) -> None:
    url = postgres.create()
    store = Store.open(url)

    def write() -> None:
        with store.write() as tx:
            tx.execute(_insert, row("before\0after"))

    with pytest.raises(sa.exc.DataError, match="NUL"):
        write()
    with store.read() as tx:
        assert tx.execute(_select, _key).all() == []
    store.close()
    postgres.drop(url)


def test_prepared_and_plain_statements_share_a_transaction(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            tx.execute(_insert, row("a"))
            tx.execute(sa.insert(_effects), row("b"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    fill(store)
    with store.write() as tx:
        tx.execute(sa.delete(_effects).where(_effects.c.key == "a"))
        assert [each.key for each in tx.execute(_select, _key)] == ["b"]
    with store.read() as tx:
        assert tx.execute(sa.select(_effects.c.key)).scalars().all() == ["b"]


def test_what_is_prepared_outlives_a_rollback_of_what_is_not(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            tx.execute(_insert, row("a"))
            for _ in range(10):
                tx.execute(sa.select(_effects.c.key).where(_effects.c.key == "a"))
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            fail()
    fill(store)


def test_commits_are_counted_and_what_is_undone_is_not(store: Store) -> None:
    fill(store)
    with pytest.raises(sa.exc.IntegrityError):
        fill(store)
    assert store.commits == store.acting(actor="coder").commits == 1
