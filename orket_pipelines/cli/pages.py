"""Pages that are written to a file, and opened where a person is there."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal

Html = Annotated[
    Path | None, typer.Option("--html", envvar="ORKET_HTML", help="Write it to this file, and open nothing.")
]


def show_page(terminal: Terminal, text: str, *, name: str, html: Path | None) -> None:
    """Write it to `html`, or among the reports of this home by `name`, and say where it is."""
    path = html or terminal.settings().home.resolve() / "reports" / f"{_file_name(name)}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    shown = html is None and terminal.attended and webbrowser.open(path.as_uri())
    terminal.data({"written": str(path), "opened": shown})
    terminal.say(f"The report is in {path}")


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).lstrip(".")
