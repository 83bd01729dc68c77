"""`orket agents`: what a model would be told."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command

group = typer.Typer()


@command(group, "prompt")
def prompt(
    terminal: Terminal,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's id.")],
    role: Annotated[
        str | None, typer.Option(envvar="ORKET_ROLE", help="Whom to call; by default whoever comes next.")
    ] = None,
) -> None:
    """Exactly what a model would get if it were called to an issue now. Nothing is called, and nothing changes."""
    from orket_pipelines.agents.models import open_models
    from orket_pipelines.agents.redaction import redactor
    from orket_pipelines.delivery.preview import preview
    from orket_pipelines.git import GitCode

    settings = terminal.settings()
    code = GitCode(settings.home.resolve() / "repositories" / settings.workspace)
    with terminal.store() as store:
        found = preview(settings, store, code, open_models(settings), card_id=issue, role=role)
    redact = redactor(settings)
    terminal.data(asdict(found) | {"system": redact(found.system), "message": redact(found.message)})
    terminal.say(f"{found.role}, called for {found.purpose}, model {found.model}")
    terminal.say(f"\n── system ──\n{redact(found.system)}\n\n── message ──\n{redact(found.message)}\n\n── tools ──")
    for tool in found.tools:
        terminal.say(f"{tool['name']}: {tool['description']}\n  {json.dumps(tool['parameters'])}")
