"""`orket detect`: what a repository holds that can run, and how it would be run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command
from orket_pipelines.errors import DetectionError

if TYPE_CHECKING:
    from orket_pipelines.sandboxes.model import Detection

PATIENCE = 1.0
"""Seconds in which a repository is looked through."""


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "detect")(detect)


def detect(
    terminal: Terminal,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A repository's folder.", envvar="ORKET_DETECT_PATH")],
    compose: Annotated[
        bool,
        typer.Option("--compose", envvar="ORKET_COMPOSE", help="Print a compose document that runs it, and no more."),
    ] = False,
) -> None:
    """Find what a repository holds, and how it would run; nothing of it is executed."""
    from orket_pipelines.sandboxes.detection import detect as find
    from orket_pipelines.sandboxes.detection import report

    found = find(path, within=None if compose else PATIENCE)
    if compose:
        from orket_pipelines.sandboxes.exporting import export
        from orket_pipelines.sandboxes.planning import plan

        typer.echo(export(plan(found), path.resolve(), terminal.settings()), nl=False)
        return
    terminal.data(report(found))
    if not terminal.machine:
        _tell_person(terminal, found)


def _tell_person(terminal: Terminal, found: "Detection") -> None:
    from orket_pipelines.sandboxes.planning import plan

    rows = [
        (each.name, each.stack, each.kind, each.folder, each.port or "", f"{each.confidence:.0%}")
        for each in found.services
    ]
    terminal.table(
        ("service", "stack", "kind", "folder", "port", "sure"), rows, empty="Nothing that is known was found."
    )
    for service in found.services:
        terminal.say(f"\n{service.name}")
        for what, words in (("build", service.build), ("start", service.start)):
            if words:
                terminal.say(f"  {what}: {_command(words)}")
        if service.output:
            terminal.say(f"  output: {service.output}")
        if service.port:
            terminal.say(f"  health: {service.health_path}")
        for line in service.evidence:
            terminal.say(f"  seen: {line}")
    for line in found.ambiguities:
        terminal.say(f"unsure: {line}")
    try:
        planned = plan(found)
    except DetectionError as error:
        # What a repository holds is told, whether or not it can be deployed.
        terminal.say(f"\nnot deployed: {error}\nnext: {error.next_step}")
        return
    routes = "".join(f", {prefix} goes on to {name}" for prefix, name in planned.routes.items())
    terminal.say(f"\nA person opens {planned.front}{routes}.")


def _command(words: tuple[str, ...]) -> str:
    import shlex

    return " ".join(word if word == "{port}" else shlex.quote(word) for word in words)
