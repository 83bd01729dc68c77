"""What every command shares: where its state lies, how it speaks to people and to machines, and how it fails."""

import errno
import inspect
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.errors import OrketError

if TYPE_CHECKING:
    from orket_pipelines.settings import Settings
    from orket_pipelines.store import Store

DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 used wrongly, 130 interrupted."

Home = Annotated[Path | None, typer.Option("--home", envvar="ORKET_HOME", help="Where all state lies.")]
Workspace = Annotated[str | None, typer.Option("--workspace", envvar="ORKET_WORKSPACE", help="The tenant.")]
Machine = Annotated[bool, typer.Option("--json", envvar="ORKET_JSON", help="Answer in JSON, errors too.")]


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a command stands. `machine` says that a program reads the answer, so it gets JSON and nothing else."""

    home: Path | None
    workspace: str | None
    machine: bool

    @property
    def attended(self) -> bool:
        """Whether somebody sits there who can be asked."""
        return not self.machine and sys.stdin.isatty()

    def settings(self, **flags: Any) -> "Settings":
        """The settings in force; `flags` are those of the command, None where not given."""
        from orket_pipelines.settings import load_settings

        return load_settings(home=self.home, workspace=self.workspace, **flags)

    @contextmanager
    def store(self, **flags: Any) -> Iterator["Store"]:
        """The store of these settings, acting as the person at the terminal."""
        from orket_pipelines.store import Store

        settings = self.settings(**flags)
        store = Store.open(settings.store_url, workspace_id=settings.workspace)
        try:
            yield store.acting(actor="person")
        finally:
            store.close()

    def say(self, text: str = "") -> None:
        """A line for people; machines do not get it."""
        if not self.machine:
            typer.echo(visible(text))

    def data(self, answer: Any) -> None:
        """The answer for machines; people do not get it."""
        if self.machine:
            typer.echo(json.dumps(answer, indent=2, default=str))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
        """A table for people, or the sentence `empty`; plain columns where nobody sits at the screen."""
        if self.machine:
            return
        if not rows:
            typer.echo(empty)
            return
        cells = [[visible(str(value)).replace("\n", " ") for value in row] for row in rows]
        if sys.stdout.isatty():
            _draw(columns, cells)
        else:
            typer.echo("\n".join(_align([columns, *cells])))


_ORKET = re.compile(r"(?<![\w/.-])orket(?= [a-z])")


def visible(text: str) -> str:
    """The text with its control characters shown rather than obeyed: a model may have written it."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else repr(letter)[1:-1] for letter in text)


def typed(text: str) -> str:
    """The text with its `orket …` commands as they must be typed here: with a path, where orket is not on PATH."""
    called, found = Path(sys.argv[0]), shutil.which("orket")
    if called.name != "orket" or (found is not None and Path(found).resolve() == called.resolve()):
        return text
    return _ORKET.sub(os.path.relpath(called.absolute()), text)


def when(microseconds: int) -> str:
    """A stored time, in the time zone of the person who reads it."""
    return f"{datetime.fromtimestamp(microseconds / 1e6, UTC).astimezone():%Y-%m-%d %H:%M:%S}"


def command(group: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as `orket … name`: it is handed a Terminal, and gets --home, --workspace and --json besides
    its own options.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def run(*, home: Path | None, workspace: str | None, machine: bool, **given: Any) -> None:
            with explained(machine=machine):
                function(Terminal(home, workspace, machine), **given)

        shared = {"home": (Home, None), "workspace": (Workspace, None), "machine": (Machine, False)}
        own = [_by_keyword(parameter) for parameter in list(inspect.signature(function).parameters.values())[1:]]
        added = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
            for key, (kind, default) in shared.items()
        ]
        annotations = {parameter.name: parameter.annotation for parameter in (*own, *added)}
        vars(run).update(__signature__=inspect.Signature([*own, *added]), __annotations__=annotations)
        group.command(name, epilog=EXIT_CODES)(run)
        return function

    return register


@contextmanager
def explained(*, machine: bool) -> Iterator[None]:
    """A failure is one line and a next step, never a trace, unless ORKET_DEBUG is set."""
    try:
        yield
    except OrketError as error:
        if os.environ.get("ORKET_DEBUG"):
            raise
        complain(str(error), error.next_step, machine=machine)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt as error:
        complain("interrupted", "Everything done so far is stored; the same command carries on.", machine=machine)
        raise typer.Exit(INTERRUPTED) from error
    except BrokenPipeError as error:
        # The reader of our output has gone, and Python's own flush at exit would complain about it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(FAILED) from error
    except Exception as error:
        if os.environ.get("ORKET_DEBUG") or isinstance(error, (typer.Exit, typer.Abort, typer.BadParameter)):
            raise
        complain(*_surprise(error), machine=machine)
        raise typer.Exit(FAILED) from error


_full = "Free disk space, then run the same command again."
_closed = "Let this user write there, or name another folder: ORKET_HOME=/path/to/folder"
REMEDIES = {
    errno.ENOSPC: _full,
    errno.EDQUOT: _full,
    errno.EROFS: _closed,
    errno.EACCES: _closed,
    errno.EPERM: _closed,
    errno.ENOTDIR: _closed,
}
"""What helps against what the operating system refuses, wherever it does."""


def _surprise(error: Exception) -> tuple[str, str]:
    """What failed that no room explains, and what helps."""
    if isinstance(error, OSError) and error.filename is not None and error.errno in REMEDIES:
        return f"{error.filename}: {error.strerror}", REMEDIES[error.errno]
    fault = f"a fault of orket itself: {type(error).__name__}: {error}"
    return fault, "See where: run the same command with ORKET_DEBUG=1."


def complain(message: str, next_step: str, *, machine: bool) -> None:
    """Say on standard error what failed and what helps."""
    if machine:
        typer.echo(json.dumps({"error": message, "next": next_step}), err=True)
        return
    typer.echo(visible(f"orket: {' '.join(message.split())}"), err=True)
    if next_step:
        typer.echo(visible(f"next: {typed(next_step)}"), err=True)


def _by_keyword(parameter: inspect.Parameter) -> inspect.Parameter:
    return parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=SIMPLE_HEAD)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)).rstrip() for row in rows]
