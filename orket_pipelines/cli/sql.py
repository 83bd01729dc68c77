"""`orket sql`: the history of the factory, asked in SQL."""

from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "sql")(sql)


def sql(
    terminal: Terminal,
    query: Annotated[str, typer.Argument(metavar="QUERY", help='As in: orket sql "select * from session_history"')],
) -> None:
    """Ask the history in SQL.

    Tables: session_history, tool_calls, card_transitions, daily_metrics, and the events themselves.
    """
    from orket_pipelines.analytics import run_sql

    answer = run_sql(terminal.settings(), query)
    terminal.data([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    terminal.table(answer.columns, answer.rows, empty="No rows.")
