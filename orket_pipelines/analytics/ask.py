"""Answers questions in SQL about the snapshot, whoever asks: each runs in a process of its own, within fixed bounds."""

import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orket_pipelines.analytics import warehouse
from orket_pipelines.analytics.marts import MARTS
from orket_pipelines.errors import SqlError
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

MEMORY = 900_000_000
"""Bytes of address space: under it every query tried against DuckDB 2.0 became an error in under a second."""
THREADS = 2
ANSWER_BYTES = 8_000_000
"""Bytes of rows as JSON: what the asking process has to hold, however large the answer."""
QUERY_BYTES = 100_000

_SANDBOX = Path(__file__).with_name("sandboxed.py")
_NARROWER = "Ask for less: a WHERE, a LIMIT, no join without a condition."
_TABLES = f"Tables: {', '.join(sorted(MARTS))}. Their columns: orket sql --tables"


@dataclass(frozen=True, slots=True)
class Table:
    """An answer. `types` are DuckDB's names. Values are those of JSON: times and dates are ISO 8601 text, a decimal is
    a number where a double writes the same digits and text otherwise. `truncated` says that there were more rows."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    truncated: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Question:
    """What the answering process is told. `rows` and `bytes` bound the answer, `memory` and `seconds` the process."""

    query: str
    snapshot: str
    rows: int
    seconds: float
    bytes: int = ANSWER_BYTES
    memory: int = MEMORY
    threads: int = THREADS


def run_sql(
    settings: Settings,
    query: str,
    *,
    refresh: bool = True,
    limit: int = 10_000,
    timeout: float = 5.0,
    store: Store | None = None,
) -> Table:
    """Answer one SELECT (or SHOW, DESCRIBE, EXPLAIN) with at most `limit` rows within `timeout` seconds.

    `refresh` drains first (from `store`, or the one that the settings name), so that the answer is of this moment.

    Raises: SqlError where the question is refused, wrong or too big; StoreError where the event log cannot be drained.
    """
    if refresh:
        _refresh(settings, store)
    snapshot = warehouse.snapshot_of(settings)
    if not snapshot.exists():
        raise SqlError(
            "there is nothing to ask yet: no snapshot", next_step="Ask again with a refresh first: orket sql"
        )
    if len(query) > QUERY_BYTES:
        raise SqlError(f"the question is longer than {QUERY_BYTES:,} characters", next_step="Ask a shorter one.")
    began = time.monotonic()
    said = _answer(Question(query, str(snapshot.resolve()), limit, timeout))
    rows = [tuple(row) for row in said["rows"]]
    seconds = time.monotonic() - began
    return Table(tuple(said["columns"]), tuple(said["types"]), rows, said["truncated"], seconds)


def _refresh(settings: Settings, store: Store | None) -> None:
    if store is not None:
        warehouse.refresh(settings, store)
        return
    with closing(Store.open(settings.store_url, workspace_id=settings.workspace)) as opened:
        warehouse.refresh(settings, opened)


def _answer(question: Question) -> dict[str, Any]:
    output, status = _ask(question)
    if status != 0:
        raise SqlError(_how_it_died(status, question.seconds), next_step=_NARROWER)
    said: dict[str, Any] = json.loads(output)
    if "error" in said:
        raise _refusal(said["kind"], said["error"])
    return said


def _refusal(kind: str, error: str) -> SqlError:
    if kind == "OutOfMemoryException":
        # DuckDB's own text advises settings that nobody can change here.
        return SqlError(
            f"the question needs more memory than the {MEMORY // 1_000_000} MB it may use", next_step=_NARROWER
        )
    if kind in {"PermissionException", "ValueError"}:
        return SqlError(_one_line(error), next_step=f"Ask one SELECT, SHOW, DESCRIBE or EXPLAIN of these. {_TABLES}")
    return SqlError(_one_line(error), next_step=_TABLES)


def _ask(question: Question) -> tuple[bytes, int]:
    """What the process wrote, and how it ended; it is over when this returns."""
    # Isolated, so that neither the environment nor the current folder can bring code in; and no secret goes along.
    command = [sys.executable, "-I", str(_SANDBOX)]
    environment = {"MALLOC_ARENA_MAX": "2", "LANG": "C.UTF-8"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, cwd="/", start_new_session=True
    ) as process:
        try:
            output, _ = process.communicate(json.dumps(asdict(question)).encode(), timeout=question.seconds)
        except subprocess.TimeoutExpired:
            return b"", -signal.SIGKILL
        finally:
            process.kill()
    return output, process.returncode


def _how_it_died(status: int, seconds: float) -> str:
    if -status in {signal.SIGKILL, signal.SIGALRM, signal.SIGXCPU}:
        return f"the question was not answered within {seconds:g} s, and was ended"
    return f"the question broke the process that answered it, most likely for want of memory ({MEMORY // 1_000_000} MB)"


def _one_line(error: str) -> str:
    """DuckDB's message with its suggestion, without the picture of the query under it."""
    said = error.partition("\n\nLINE ")[0]
    return " ".join(line.strip() for line in said.splitlines() if line.strip())
