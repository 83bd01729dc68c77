"""`orket cards import` and `orket cards export`: cards from files, and back."""

import difflib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal, complain
from orket_pipelines.errors import CardError

if TYPE_CHECKING:
    from orket_pipelines.cards.differences import Difference
    from orket_pipelines.cards.exporting import ExportedFile
    from orket_pipelines.cards.importing import ImportReport
    from orket_pipelines.cards.problems import Problem

NOTHING = "(nothing)"
"""Stands for a value that is not there."""


def import_files(
    terminal: Terminal,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Card files (JSON or YAML), or folders of them.")
    ],
    yes: Annotated[
        bool, typer.Option("--yes", envvar="ORKET_YES", help="Change cards that are there already, without asking.")
    ] = False,
) -> None:
    """Bring card files into the store; what is broken is named, and the rest loads.

    What would change in cards that are there already is shown first. The same files again change nothing.
    """
    from orket_pipelines.agents.roles import load_roles
    from orket_pipelines.cards.importing import preview, read_cards, store_cards

    settings = terminal.settings()
    with terminal.store() as store:
        reading = read_cards(paths, seats=load_roles(settings.roles), issue_limit=settings.epic_issue_limit)
        expected = preview(store, reading)
        for line in _told(expected.differences):
            terminal.say(line)
        if expected.changed and not yes:
            _ask(terminal, expected)
        report = store_cards(store, reading, agreed=expected.differences)
    terminal.data(asdict(report) | {"stored": True})
    _tell_problems(terminal, report.problems)
    terminal.say(str(report))
    if report.problems:
        step = "Correct what is named above, then run the same command again; what was loaded stays as it is."
        complain("not all cards could be loaded", step, machine=terminal.machine)
        raise typer.Exit(FAILED)


def export(
    terminal: Terminal,
    rocks: Annotated[list[str] | None, typer.Argument(metavar="[ROCK]...", help="All rocks, unless named.")] = None,
    folder: Annotated[Path, typer.Option("--to", envvar="ORKET_TO", help="Where the files go.")] = Path("cards"),
    yes: Annotated[
        bool, typer.Option("--yes", envvar="ORKET_YES", help="Overwrite files that say something else.")
    ] = False,
) -> None:
    """Write cards as files again, a folder for each rock. Imported again they change nothing."""
    from orket_pipelines.agents.roles import load_roles
    from orket_pipelines.cards.importing import read_cards

    files = _exported(terminal, rocks or ())
    differing = [str(folder / file.path) for file in files if _says_otherwise(folder / file.path, file.text)]
    if differing and not yes:
        message = f"nothing was written: these files are there already and say something else: {', '.join(differing)}"
        raise CardError(message, next_step="Name another folder with --to, or overwrite them with --yes.")
    for file in files:
        _write(folder / file.path, file.text)
        terminal.say(str(folder / file.path))
    settings = terminal.settings()
    files_written, seats = [folder / file.path for file in files if file.holds_cards], load_roles(settings.roles)
    problems = read_cards(files_written, seats=seats, issue_limit=settings.epic_issue_limit).problems
    written = [str(folder / file.path) for file in files]
    terminal.data({"files": written, "problems": [asdict(problem) for problem in problems]})
    _tell_problems(terminal, problems)
    if problems:
        complain("not all of it could be imported again", "Mend what is named above.", machine=terminal.machine)
        raise typer.Exit(FAILED)


def _ask(terminal: Terminal, expected: "ImportReport") -> None:
    """Raises: Exit or Abort, unless a person at the terminal agrees."""
    count = len(expected.changed)
    cards = "1 card that is there already" if count == 1 else f"{count} cards that are there already"
    if terminal.attended:
        typer.confirm(f"Change {cards}?", abort=True)
        return
    terminal.data(asdict(expected) | {"stored": False})
    complain(f"nothing was imported: it would change {cards}", "Agree to it: --yes", machine=terminal.machine)
    raise typer.Exit(FAILED)


def _tell_problems(terminal: Terminal, problems: "Sequence[Problem]") -> None:
    for problem in problems:
        terminal.say(f"{problem}\n  {problem.fix}" if problem.fix else str(problem))


def _told(differences: "Sequence[Difference]") -> Iterator[str]:
    for card_id, found in groupby(differences, lambda each: each.card_id):
        yield f"{card_id}:"
        for each in found:
            yield from _lines(each.path, _shown(each.before), _shown(each.after))


def _lines(path: str, before: str, after: str) -> Iterator[str]:
    if "\n" not in before + after:
        yield f"  {path}: {before} → {after}"
        return
    yield f"  {path}:"
    changed = difflib.unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm="")
    yield from (f"    {line}" for line in list(changed)[2:])


def _shown(value: Any) -> str:
    if value is None:
        return NOTHING
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _exported(terminal: Terminal, rocks: "Sequence[str]") -> "list[ExportedFile]":
    from orket_pipelines.cards.exporting import export_rock
    from orket_pipelines.cards.model import CardKind
    from orket_pipelines.cards.records import get_card, list_cards

    with terminal.store() as store, store.read() as tx:
        chosen = [get_card(tx, rock) for rock in rocks] or list_cards(tx, kinds=[CardKind.ROCK])
        for card in chosen:
            if card.kind is not CardKind.ROCK:
                raise CardError(f"{card.id} is not a rock", next_step="See which there are: orket rocks list")
        return [file for card in chosen for file in export_rock(list_cards(tx, rock_id=card.id))]


def _says_otherwise(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() != text


def _write(path: Path, text: str) -> None:
    """Whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)
