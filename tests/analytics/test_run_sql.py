"""Questions in SQL, as people ask them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.analytics import ask, run_sql
from orket_pipelines.errors import SqlError
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, append

pytestmark = pytest.mark.slow


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[tuple[Settings, Store]]:
    """A home that nobody has drained yet, and its store."""
    settings = Settings(home=tmp_path)
    store = Store.open(settings.store_url)
    yield settings, store
    store.close()


def test_an_answer_has_columns_types_and_rows(told: Settings) -> None:
    answer = run_sql(
        told, "SELECT card_id, count(*) AS moves FROM card_transitions GROUP BY 1 ORDER BY 1", refresh=False
    )
    assert answer.columns == ("card_id", "moves")
    assert answer.types == ("VARCHAR", "BIGINT")
    assert answer.rows == [("api", 6), ("blank", 1), ("page", 1), ("todo", 1)]
    assert (answer.truncated, answer.seconds > 0) == (False, True)


def test_a_question_drains_first(fresh: tuple[Settings, Store]) -> None:
    settings, store = fresh
    for expected in (1, 2):
        with store.write() as tx:
            append(tx, "moon.landed", "x", {})
        assert run_sql(settings, "SELECT count(*) FROM events", store=store).rows == [(expected,)]


def test_a_question_opens_the_store_of_the_settings_where_it_is_given_none(fresh: tuple[Settings, Store]) -> None:
    settings, store = fresh
    with store.write() as tx:
        append(tx, "moon.landed", "x", {})
    assert run_sql(settings, "SELECT kind FROM events").rows == [("moon.landed",)]


def test_without_a_refresh_there_must_be_a_snapshot(tmp_path: Path) -> None:
    with pytest.raises(SqlError, match="nothing to ask yet"):
        run_sql(Settings(home=tmp_path), "SELECT 1", refresh=False)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("NULL", None),
        ("1::HUGEINT << 100", 2**100),
        ("1.50", 1.5),
        ("12345678901234567890.123::DECIMAL(38, 3)", "12345678901234567890.123"),
        ("'nan'::DOUBLE", "nan"),
        ("DATE '2026-02-28'", "2026-02-28"),
        ("TIMESTAMPTZ '2026-02-28 12:00:00.000001+01'", "2026-02-28 11:00:00.000001+00:00"),
        ("TIME '12:30:00'", "12:30:00"),
        ("DATE '99999-01-01'", "99999-01-01"),
        ("INTERVAL 90 MINUTE", "1:30:00"),
        ("[1.5, NULL]", [1.5, None]),
        ("{'day': DATE '2026-02-28', 'list': ['a']}", {"day": "2026-02-28", "list": ["a"]}),
        ("MAP {1: 'one'}", {"1": "one"}),
        ("'\\xFF'::BLOB", "ff"),
        ("'a' || chr(0) || 'ü\U0001f600'", "a\u0000ü\U0001f600"),
        ("true", True),
    ],
)
def test_values_become_what_json_has(expression: str, value: Any, told: Settings) -> None:
    assert run_sql(told, f"SELECT {expression}", refresh=False).rows == [(value,)]


def test_two_columns_may_have_one_name(told: Settings) -> None:
    answer = run_sql(told, "SELECT 1 AS a, 2 AS a", refresh=False)
    assert (answer.columns, answer.rows) == (("a", "a"), [(1, 2)])


@pytest.mark.parametrize(
    "query", ["SELECT * FROM range(1000000000000)", "SELECT unnest(range(1000000))", "FROM events, range(9999)"]
)
def test_a_long_answer_is_cut_and_says_so(query: str, told: Settings) -> None:
    answer = run_sql(told, query, refresh=False, limit=100)
    assert (len(answer.rows), answer.truncated) == (100, True)


def test_an_answer_of_exactly_the_limit_is_whole(told: Settings) -> None:
    answer = run_sql(told, "FROM range(100)", refresh=False, limit=100)
    assert (len(answer.rows), answer.truncated) == (100, False)


def test_a_wide_answer_is_cut_at_its_size(told: Settings) -> None:
    answer = run_sql(told, "SELECT repeat('x', 1000000) FROM range(100)", refresh=False)
    assert (len(answer.rows), answer.truncated) == (ask.ANSWER_BYTES // 1_000_005, True)


def test_a_row_too_large_for_any_answer_is_an_error(told: Settings) -> None:
    with pytest.raises(SqlError, match="a single row is larger than an answer may be"):
        run_sql(told, "SELECT repeat('x', 9000000)", refresh=False)


@pytest.mark.parametrize(
    "query", ["SHOW TABLES", "DESCRIBE cards", "SUMMARIZE turns", "EXPLAIN SELECT 1", "FROM cards;"]
)
def test_people_may_look_around(query: str, told: Settings) -> None:
    assert run_sql(told, query, refresh=False).rows


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT * FROM session_histry",
            'Table with name session_histry does not exist! Did you mean "session_history"?',
        ),
        ("SELECT modle FROM turns", 'Referenced column "modle" not found in FROM clause! Candidate bindings: "model"'),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT 1 / 'x'", "Could not convert string 'x'"),
    ],
)
def test_a_mistake_is_explained_in_one_line_with_the_tables_there_are(query: str, message: str, told: Settings) -> None:
    with pytest.raises(SqlError) as refused:
        run_sql(told, query, refresh=False)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
    assert "session_history" in refused.value.next_step
    assert refused.value.next_step.endswith("orket sql --tables")


def test_the_answering_process_gets_no_environment_and_imports_nothing_of_ours() -> None:
    source = ask._SANDBOX.read_text()
    assert "orket_pipelines" not in source
    assert "environ" not in source
