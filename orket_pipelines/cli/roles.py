"""`orket roles`: who may be called to a card, with which tools, and what each is told."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal, command, complain
from orket_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orket_pipelines.agents.roles import Role

group = typer.Typer()


@command(group, "list")
def list_all(terminal: Terminal) -> None:
    """Every role: the shipped ones, and those of the folder that ORKET_ROLES names."""
    from orket_pipelines.agents.roles import load_roles

    roles = load_roles(terminal.settings().roles).values()
    terminal.data([_described(role) for role in roles])
    rows = [(role.name, len(role.tools), ", ".join(sorted(role.states)), role.intent) for role in roles]
    terminal.table(("role", "tools", "may ask for", "intent"), rows, empty="There are no roles.")


@command(group, "show")
def show(
    terminal: Terminal,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="As in: orket roles list.")],
    model: Annotated[
        str | None, typer.Option(envvar="ORKET_MODEL", help="In the dialect of this model; else of the model in use.")
    ] = None,
) -> None:
    """What a role is told before anything else, exactly as a model gets it, and its tools."""
    from orket_pipelines.agents.models.catalog import dialect_for
    from orket_pipelines.agents.models.choosing import model_of_role
    from orket_pipelines.agents.prompts import system_text
    from orket_pipelines.agents.roles import get_role

    settings = terminal.settings(model=model)
    found, dialect = get_role(role, settings.roles), dialect_for(settings, model or model_of_role(settings, role))
    text = system_text(found, settings.turn_limit, dialect, settings.organization)
    terminal.data(_described(found) | {"dialect": dialect.name, "system": text})
    terminal.say(text)
    terminal.say(f"\nTools: {', '.join(sorted(found.tools))}\nDialect: {dialect.name}")


@command(group, "check")
def check(
    terminal: Terminal,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE]...", help="Role files; by default all that are in use.")
    ] = None,
) -> None:
    """Look whether roles can be called as they are written; every fault with its file and key."""
    from orket_pipelines.agents.roles import read_role, role_files

    checked = {path: _fault(read_role, path) for path in files or role_files(terminal.settings().roles)}
    terminal.data([{"file": str(path), "fault": fault} for path, fault in checked.items()])
    wrong = [fault for fault in checked.values() if fault is not None]
    for fault in wrong:
        terminal.say(fault)
    if wrong:
        step = "Correct what is named above, then run the same command again."
        complain(f"{len(wrong)} of {len(checked)} roles cannot be called as they are", step, machine=terminal.machine)
        raise typer.Exit(FAILED)
    terminal.say(f"{len(checked)} roles, and nothing is wrong with them.")


def _fault(read: "Callable[[Path], Role]", path: Path) -> str | None:
    try:
        read(path)
    except SettingsError as error:
        return str(error)
    return None


def _described(role: "Role") -> dict[str, Any]:
    return {
        "name": role.name,
        "intent": role.intent,
        "tools": sorted(role.tools),
        "states": sorted(role.states),
        "prompt": role.prompt,
    }
