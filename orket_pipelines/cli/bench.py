"""`orket bench`: what the factory costs, measured here and now."""

from importlib import import_module
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command
from orket_pipelines.errors import OrketError

BENCHES = {"overhead": "What durability costs an issue, as a ratio to the floor measured in the same run."}
"""Each is a module of `orket_pipelines.bench` with `run(say) -> list[Measure]`; `say` takes lines of progress."""
COLUMNS = ("metric", "value", "unit", "floor", "ratio")


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "bench")(bench)


def bench(
    terminal: Terminal,
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of: " + ", ".join(BENCHES))],
) -> None:
    """Measure what the factory costs."""
    if name not in BENCHES:
        raise OrketError(f"there is no bench {name!r}", next_step=f"Name one of: {', '.join(BENCHES)}")
    terminal.say(BENCHES[name])
    measures = import_module(f"orket_pipelines.bench.{name}").run(terminal.say)
    rows = [{column: getattr(measure, column) for column in COLUMNS} for measure in measures]
    terminal.data(rows)
    cells = [[_rounded(value) for value in row.values()] for row in rows]
    terminal.table(COLUMNS, cells, empty="Nothing was measured.")


def _rounded(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else value
