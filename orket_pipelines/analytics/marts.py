"""The tables that people ask, one `.sql` file each: its comments explain the table and every column, and go into the
catalog, so that the snapshot explains itself."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import duckdb

from orket_pipelines.analytics.queries import HERE, named

MARTS = (
    "about",
    "events",
    "card_transitions",
    "cards",
    "turns",
    "tool_calls",
    "session_history",
    "model_costs",
    "policy_violations",
    "test_runs",
    "test_results",
    "flaky_tests",
    "sandboxes",
    "sandbox_uptime",
    "reviews",
    "review_cycles",
    "pull_requests",
    "standing_reviews",
    "lineage",
    "issue_cycle_times",
    "bugs",
    "bug_phase_summary",
    "bug_rates",
    "agent_scorecard",
    "daily_metrics",
)
"""In the order in which they are built: a table is made from the events and from tables before it."""

APPENDED = frozenset(
    {"events", "turns", "tool_calls", "policy_violations", "test_runs", "test_results", "reviews", "sandboxes"}
)
"""Those whose rows come each of one event and never change: what is new is appended. The others are made anew."""

SAMPLES = named("samples.sql")
"""One query per table that shows what it is good for."""

_HEADING = re.compile(r"\A-- (.+)\n")
_COLUMN = re.compile(r"^    (\w+) [^\n]+?, -- (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Column:
    """`type` is DuckDB's; `comment` tells the unit and what NULL means."""

    name: str
    type: str
    comment: str


@dataclass(frozen=True, slots=True)
class TableDescription:
    """What a table holds, in one sentence, and its columns in order."""

    name: str
    comment: str
    columns: tuple[Column, ...]


@cache
def definition() -> str:
    """A fingerprint of all table definitions: a snapshot made by other ones is out of date."""
    return hashlib.sha256("\n".join(_text(mart) for mart in MARTS).encode()).hexdigest()


def build(connection: duckdb.DuckDBPyConnection, *, since: int = 0) -> None:
    """Make all tables in the attached database `snapshot` from the attached database `warehouse`.

    Where `snapshot` holds those of the events up to the seq `since`, it is brought up to date: to the same rows.
    """
    connection.execute(named("warehouse.sql")["build_in_snapshot"], [definition()])
    connection.execute(named("warehouse.sql")["since"], [since])
    for mart in MARTS:
        if since and mart in APPENDED:
            connection.execute(_text(mart))
            continue
        connection.execute(f"DROP TABLE IF EXISTS {mart}")
        connection.execute(_text(mart))
        for statement in _comments(mart):
            connection.execute(statement)


def describe() -> list[TableDescription]:
    """Every table of the snapshot with its columns, as DuckDB's catalog has them; needs no snapshot."""
    queries = named("warehouse.sql")
    with duckdb.connect() as connection:
        connection.execute(queries["attach_warehouse"], [":memory:"])
        connection.execute("USE warehouse")
        connection.execute(queries["create"])
        connection.execute(queries["attach_snapshot"], [":memory:"])
        build(connection)
        rows = connection.execute(queries["catalog"]).fetchall()
    found = {name: list(columns) for name, columns in groupby(rows, key=lambda row: str(row[0]))}
    return [_description(mart, found[mart]) for mart in MARTS]


def _description(name: str, rows: list[tuple[str, ...]]) -> TableDescription:
    return TableDescription(name, rows[0][1], tuple(Column(*row[2:]) for row in rows))


def _text(mart: str) -> str:
    return (HERE / "marts" / f"{mart}.sql").read_text()


def _comments(mart: str) -> Iterable[str]:
    """COMMENT ON statements made of the file's own comments, so that there is one text and not two."""
    text = _text(mart)
    heading = _HEADING.match(text)
    if heading is None:
        raise ValueError(f"marts/{mart}.sql does not begin with a comment that explains the table")
    yield f"COMMENT ON TABLE {mart} IS {_quoted(heading[1])}"
    for column, comment in _COLUMN.findall(text):
        yield f'COMMENT ON COLUMN {mart}."{column}" IS {_quoted(comment)}'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
