"""Hostile SQL ends as an error within its deadline, costs the asking process nothing, and changes nothing on disk."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from orket_pipelines.analytics import folder_of, run_sql
from orket_pipelines.analytics.ask import _SANDBOX, Question
from orket_pipelines.errors import SqlError
from orket_pipelines.settings import Settings

pytestmark = pytest.mark.slow

PATIENCE = 3.0
"""Seconds for a process to start, be killed and be waited for, on a busy machine."""
GROWTH = 16_000_000
"""Bytes by which asking may make the asking process grow, for whatever reason."""

FORBIDDEN = {
    "INSERT INTO cards SELECT * FROM cards": "this is INSERT",
    "UPDATE cards SET state = 'done'": "this is UPDATE",
    "DELETE FROM cards": "this is DELETE",
    "DROP TABLE cards": "this is DROP",
    "TRUNCATE cards": "this is DELETE",
    "ALTER TABLE cards ADD COLUMN evil VARCHAR": "this is ALTER",
    "CREATE TABLE evil AS SELECT 1": "this is CREATE",
    "CREATE TEMP TABLE evil AS SELECT 1": "this is CREATE",
    "CREATE MACRO evil() AS 1": "this is CREATE",
    "CREATE SECRET (TYPE s3, KEY_ID 'x', SECRET 'y')": "",
    "WITH gone AS (DELETE FROM cards RETURNING *) SELECT * FROM gone": "read-only mode",
    "COPY (SELECT 1) TO '/tmp/orket-evil.csv'": "this is COPY",
    "COPY cards FROM '/etc/passwd'": "this is COPY",
    "EXPORT DATABASE '/tmp/orket-evil'": "this is EXPORT",
    "IMPORT DATABASE '/tmp/orket-evil'": "",
    "ATTACH '/tmp/orket-evil.duckdb' AS evil": "this is ATTACH",
    "DETACH snapshot": "this is DETACH",
    "USE temp": "this is SET",
    "INSTALL httpfs": "this is LOAD",
    "LOAD httpfs": "this is LOAD",
    "PRAGMA database_list": "this is PRAGMA",
    "PRAGMA enable_profiling='json'": "",
    "CALL pragma_database_size()": "this is CALL",
    "CHECKPOINT": "this is CALL",
    "VACUUM": "this is VACUUM",
    "SET enable_external_access = true": "this is SET",
    "SET memory_limit = '100GB'": "this is SET",
    "RESET memory_limit": "this is SET",
    "BEGIN TRANSACTION": "this is TRANSACTION",
    "PREPARE evil AS SELECT 1": "this is PREPARE",
    "SELECT 1; SELECT 2": "one statement at a time: this is 2",
    "SELECT 1; DROP TABLE cards": "one statement at a time: this is 2",
    "": "one statement at a time: this is none",
    "SELECT * FROM read_csv('/etc/passwd')": "file system operations are disabled",
    "SELECT * FROM read_text('/etc/passwd')": "file system operations are disabled",
    "SELECT * FROM read_blob('/proc/self/environ')": "file system operations are disabled",
    "SELECT * FROM read_json('/proc/self/cmdline')": "file system operations are disabled",
    "SELECT * FROM read_parquet('https://example.org/x.parquet')": "",
    "SELECT * FROM glob('/*')": "file system operations are disabled",
    "SELECT * FROM '/etc/passwd'": "does not exist",
    "SELECT getenv('HOME')": "getenv does not exist",
    "SELECT * FROM duckdb_secrets()": "file system operations are disabled",
    "SELECT * FROM query('DROP TABLE cards')": "",
    "SELECT * FROM sniff_csv('/etc/passwd')": "file system operations are disabled",
    "SELECT * FROM sys": "does not exist",
    "SELECT nextval('evil')": "",
    "SELECT '\x00": "",
    "SELECT error(repeat('x', 10000000))": "xxx",
    "SELECT " + "(" * 20_000 + "1" + ")" * 20_000: "",
    "SELECT " + "+".join(["1"] * 30_000): "",
    "SELECT " + ", ".join(["1"] * 50_000): "longer than 100,000 characters",
}
"""What may not be done at all, and words of the refusal; empty where any will do."""

DOUBLING = "WITH t0 AS (SELECT 1 AS a), {steps} SELECT a FROM t24"
STEP = "t{to} AS (SELECT {{'a': a, 'b': a}} AS a FROM t{of})"
GREEDY = (
    "SELECT repeat('x', 2000000000)",
    "SELECT repeat(repeat('x', 100000000), 20)",
    "SELECT range(1000000000)",
    "SELECT unnest(range(100000000000))",
    "SELECT list(range) FROM range(1000000000)",
    "SELECT string_agg(range::VARCHAR, ',') FROM range(10000000000)",
    "SELECT printf('%2000000000d', 1)",
    "SELECT md5(repeat('x', 1900000000))",
    "SELECT string_split(repeat('a,', 500000000), ',')",
    "SELECT regexp_replace(repeat('a', 100000000), 'a', repeat('b', 100), 'g')",
    "SELECT ('[' || repeat('1,', 50000000) || '1]')::JSON",
    "SELECT map_from_entries(list({'k': range, 'v': range})) FROM range(1000000000)",
    "WITH RECURSIVE f(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM f) SELECT length(s) FROM f",
    "SELECT * FROM range(100000000000) ORDER BY random()",
    DOUBLING.format(steps=", ".join(STEP.format(to=number, of=number - 1) for number in range(1, 25))),
)
"""What wants memory without end."""

ENDLESS = (
    "SELECT count(*) FROM range(1000000000000)",
    "SELECT sum(a.range + b.range) FROM range(10000000) a, range(10000000) b",
    "SELECT sum(length(a.payload || b.payload)) FROM events a, events b, events c, range(1000000000)",
    "WITH RECURSIVE f(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM f) SELECT count(*) FROM f",
    "WITH RECURSIVE f(n) AS (SELECT 1 UNION ALL SELECT 1 FROM f) SELECT * FROM f WHERE n = 2",
    "SELECT rpad('x', 2000000000, 'y')",
    "SELECT levenshtein(repeat('a', 1000000), repeat('b', 1000000))",
    "SELECT approx_quantile(range, 0.5) FROM range(1000000000000)",
    "EXPLAIN ANALYZE SELECT count(*) FROM range(1000000000000)",
)
"""What wants time without end."""


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.iterdir()}


@pytest.fixture(autouse=True)
def _unmoved(told: Settings) -> Iterator[None]:
    """Whatever is asked: the asking process does not grow, and no file changes or appears."""
    files, memory = contents(folder_of(told)), resident()
    yield
    assert resident() - memory < GROWTH
    assert contents(folder_of(told)) == files
    assert not list(Path("/tmp").glob("orket-evil*"))


@pytest.mark.parametrize(("query", "words"), FORBIDDEN.items(), ids=lambda text: text[:40])
def test_what_is_no_question_about_the_tables_is_refused(query: str, words: str, told: Settings) -> None:
    with pytest.raises(SqlError) as refused:
        run_sql(told, query, refresh=False)
    assert words in str(refused.value)
    assert refused.value.next_step


@pytest.mark.slow
@pytest.mark.parametrize("query", GREEDY, ids=lambda text: text[:40])
def test_a_question_that_wants_all_memory_is_refused(query: str, told: Settings) -> None:
    began = time.monotonic()
    with pytest.raises(SqlError):
        run_sql(told, query, refresh=False)
    assert time.monotonic() - began < 5.0 + PATIENCE


@pytest.mark.slow
@pytest.mark.parametrize("query", ENDLESS, ids=lambda text: text[:40])
def test_a_question_that_never_ends_is_ended(query: str, told: Settings) -> None:
    began = time.monotonic()
    with pytest.raises(SqlError) as refused:
        run_sql(told, query, refresh=False, timeout=1.0)
    assert time.monotonic() - began < 1.0 + PATIENCE
    assert str(refused.value) == "the question was not answered within 1 s, and was ended"


def test_an_answering_process_whose_parent_is_gone_ends_by_itself(told: Settings) -> None:
    """The alarm and the limits are its own: nobody has to kill it."""
    question = Question("SELECT count(*) FROM range(1000000000000)", str(folder_of(told) / "snapshot.duckdb"), 10, 0.5)
    orphan = subprocess.run(
        [sys.executable, "-I", str(_SANDBOX)], input=json.dumps(asdict(question)).encode(), check=False, timeout=10
    )
    assert orphan.returncode < 0
