"""`orket bench`: what the factory costs, measured here and now."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.bench.model import BENCHES
from orket_pipelines.cli.terminal import Terminal, command

COLUMNS = ("metric", "value", "unit", "floor", "ratio")


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "bench")(bench)


def bench(
    terminal: Terminal,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help=f"As in: {', '.join(BENCHES)}."),
    ],
) -> None:
    """Measure what the factory costs."""
    from orket_pipelines.bench import run_bench

    with ending_in_order():
        rows = [asdict(metric) for metric in run_bench(name, terminal.say)]
    terminal.data(rows)
    cells = [[_rounded(row[column]) for column in COLUMNS] for row in rows]
    terminal.table(COLUMNS, cells, empty="Nothing was measured.")


@contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl+C does: what a bench has started, it removes."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _rounded(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else value
