"""`orket sql`: the history of the factory, asked in SQL."""

import csv
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command, complain

EXAMPLE = 'As in: orket sql "select * from session_history". Without one, the tables are described.'


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "sql")(sql)


def sql(
    terminal: Terminal,
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help=EXAMPLE)] = None,
    tables: Annotated[bool, typer.Option("--tables", envvar="ORKET_TABLES", help="Say what there is to ask.")] = False,
    comma_separated: Annotated[bool, typer.Option("--csv", envvar="ORKET_CSV", help="Answer in CSV.")] = False,
) -> None:
    """Ask the history in SQL.

    One SELECT, SHOW, DESCRIBE or EXPLAIN about a snapshot of this moment; it can change nothing.
    """
    if tables or query is None:
        _describe(terminal)
    else:
        _ask(terminal, query, comma_separated=comma_separated)


def _describe(terminal: Terminal) -> None:
    from orket_pipelines.analytics import describe

    described = describe()
    terminal.data([asdict(table) for table in described])
    for table in described:
        terminal.say(f"\n{table.name}: {table.comment}")
        rows = [(f"  {column.name}", column.type, column.comment) for column in table.columns]
        terminal.table(("  column", "type", "what it holds"), rows, empty="")


def _ask(terminal: Terminal, query: str, *, comma_separated: bool) -> None:
    from orket_pipelines.analytics import run_sql

    answer = run_sql(terminal.settings(), query)
    cells = [["" if value is None else value for value in row] for row in answer.rows]
    if comma_separated:
        csv.writer(sys.stdout, lineterminator="\n").writerows([answer.columns, *cells])
    else:
        terminal.data([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
        terminal.table(answer.columns, cells, empty="No rows.")
    if answer.truncated:
        complain("there are more rows than these", "Ask for less: a WHERE, or a LIMIT.", machine=terminal.machine)
