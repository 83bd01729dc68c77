"""`orket sql` and `orket bench`."""

from collections.abc import Callable
from typing import Any

import pytest

from orket_pipelines.policy import Violation, record_violation
from orket_pipelines.store import Store
from tests.cli.conftest import Orket

pytestmark = pytest.mark.slow


def test_what_just_happened_can_be_asked_in_sql(orket: Orket, asked: Callable[..., Any], opened: Store) -> None:
    with opened.write() as tx:
        record_violation(tx, Violation("transition", "coder", {}, "no", "so", "storage"))
    assert asked("sql", "select kind, subject from events") == [{"kind": "policy.violated", "subject": "storage"}]
    assert orket("sql", "select kind from events").stdout == "kind\npolicy.violated\n"


def test_an_answer_may_be_had_as_csv(orket: Orket) -> None:
    done = orket("sql", "select 'a, \"b\"' as text, null as nothing, 1.5 as number", "--csv")
    assert done.stdout == 'text,nothing,number\n"a, ""b""",,1.5\n'


def test_without_a_query_the_tables_are_described(orket: Orket, asked: Callable[..., Any]) -> None:
    assert {"session_history", "tool_calls", "card_transitions", "daily_metrics"} <= {
        table["name"] for table in asked("sql", "--tables")
    }
    assert "\nevents: One row per event" in orket("sql").stdout


def test_a_wrong_query_names_the_tables_that_there_are(orket: Orket) -> None:
    done = orket("sql", "select * from nothing")
    assert done.exit_code == 1
    assert "session_history" in done.stderr


def test_sql_can_change_nothing(orket: Orket) -> None:
    assert orket("sql", "drop table events").exit_code == 1


def test_an_unknown_bench_names_those_that_there_are(orket: Orket) -> None:
    done = orket("bench", "nothing")
    assert done.exit_code == 1
    assert "overhead" in done.stderr
