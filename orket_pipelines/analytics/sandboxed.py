"""Answers one question in a process of its own, which the question may ruin; started as a file, and imports little.

Standard input: one JSON object (`Question` in `ask.py`). Standard output: one JSON object, either
{"columns": […], "types": […], "rows": […], "truncated": bool} or {"error": text, "kind": DuckDB's name of the error}.

DuckDB's own limits do not contain hostile SQL (`repeat('x', 2000000000)` took 3.9 GB under memory_limit=128MB), so the
kernel does: address space, processor time, no files, an alarm. They hold even where the parent is dead.
"""

import json
import math
import resource
import signal
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

CHUNK = 256
"""Rows fetched at a time; between two of them the budgets are looked at."""
ERROR_LENGTH = 2_000
"""Characters of an error that are handed on: a question can raise one of any length."""


def main() -> None:
    """Read the question, answer it, and say what went wrong where something did."""
    question = json.load(sys.stdin)
    confine(question)
    try:
        text = answer(question)
    except MemoryError:
        text = json.dumps({"error": "", "kind": "OutOfMemoryException"})
    except Exception as error:  # noqa: BLE001 - whatever an engine under attack raises, the parent hears of it
        text = json.dumps({"error": str(error)[:ERROR_LENGTH], "kind": type(error).__name__})
    sys.stdout.write(text)
    sys.stdout.flush()


def confine(question: dict[str, Any]) -> None:
    """Give up what an answer does not need; irrevocable."""
    seconds = math.ceil(question["seconds"])
    limits = {
        resource.RLIMIT_AS: question["memory"],
        resource.RLIMIT_CPU: seconds * question["threads"] + 1,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for limit, value in limits.items():
        resource.setrlimit(limit, (value, value))
    signal.setitimer(signal.ITIMER_REAL, question["seconds"] + 1)


def answer(question: dict[str, Any]) -> str:
    """Run the one statement and render its rows, as many as the budgets allow."""
    import duckdb  # noqa: PLC0415 - not before the limits stand

    configuration: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,
        "autoload_known_extensions": False,
        "autoinstall_known_extensions": False,
        "allow_community_extensions": False,
        "python_enable_replacements": False,
        "temp_directory": "",
        "memory_limit": f"{question['memory'] // 2}B",
        "threads": question["threads"],
    }
    connection = duckdb.connect(question["snapshot"], read_only=True, config=configuration)
    connection.execute("SET TimeZone = 'UTC'; SET lock_configuration = true")
    statements = connection.extract_statements(question["query"])
    if len(statements) != 1:
        raise ValueError(f"one statement at a time: this is {len(statements) or 'none'}")
    if statements[0].type not in {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}:
        raise ValueError(f"only questions are answered: this is {statements[0].type.name}")
    connection.execute(statements[0])
    columns = connection.description or []
    head = json.dumps({"columns": [column[0] for column in columns], "types": [str(column[1]) for column in columns]})
    rows, truncated = bounded(fetched(connection), question["rows"], question["bytes"] - len(head))
    return f'{head[:-1]}, "truncated": {json.dumps(truncated)}, "rows": [{",".join(rows)}]}}'


def fetched(connection: Any) -> Iterator[tuple[Any, ...]]:
    """Rows as DuckDB makes them: an endless answer is not waited for."""
    while chunk := connection.fetchmany(CHUNK):
        yield from chunk


def bounded(rows: Iterator[tuple[Any, ...]], most: int, size: int) -> tuple[list[str], bool]:
    """The first rows as JSON, and whether there were more than fit."""
    if size < 0:
        raise ValueError("the columns alone are larger than an answer may be")
    kept: list[str] = []
    for row in rows:
        text = json.dumps([plain(value) for value in row])
        size -= len(text)
        if size < 0 and not kept:
            raise ValueError("a single row is larger than an answer may be")
        if size < 0 or len(kept) == most:
            return kept, True
        kept.append(text)
    return kept, False


def plain(value: Any) -> Any:
    """The value as JSON has it: a decimal as a number where a double writes the same digits, the rest as text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat(" ") if hasattr(value, "hour") and hasattr(value, "year") else str(value)


if __name__ == "__main__":
    main()
