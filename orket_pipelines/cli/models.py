"""`orket models`: who may be asked, what for, at which price, and whether it is able enough."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal, command, complain
from orket_pipelines.errors import ModelError

if TYPE_CHECKING:
    from orket_pipelines.settings import Settings

group = typer.Typer()


@command(group, "list")
def list_all(terminal: Terminal) -> None:
    """Every model that the settings name: where it is asked, for what, who stands in for it, and its price."""
    from orket_pipelines.agents.models.catalog import check_names, model_names

    settings = terminal.settings()
    check_names(settings)
    found = [_described(settings, name) for name in model_names(settings)]
    terminal.data(found)
    rows = [
        (each["name"], each["server"], ", ".join(each["used_for"]), ", ".join(each["fallback"]), each["price"])
        for each in found
    ]
    terminal.table(
        ("model", "server", "for", "stands in", "USD per million tokens"), rows, empty="There are no models."
    )


@command(group, "check")
def check(
    terminal: Terminal,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="As in: orket models list; by default the model in use.")
    ] = None,
) -> None:
    """Have a model make one real tool call, which may cost a little, and say whether it is able enough."""
    from orket_pipelines.agents.models import open_models
    from orket_pipelines.agents.models.catalog import demand_model
    from orket_pipelines.agents.models.probe import probe
    from orket_pipelines.clock import SystemClock
    from orket_pipelines.settings import SCRIPTED

    settings = terminal.settings()
    chosen = demand_model(settings, name or settings.model)
    if chosen == SCRIPTED:
        raise ModelError(
            "the scripted model plays playbooks, and cannot be asked anything else",
            next_step="Choose a language model: ORKET_MODEL and ORKET_MODEL_BASE_URL, or one of ORKET_MODELS.",
        )
    terminal.say(f"asking {chosen} for one tool call…")
    found = probe(open_models(settings), chosen, settings, SystemClock())
    terminal.data(asdict(found))
    if not found.able:
        step = "Choose another model (orket models list), or tell its server to offer tools."
        complain(f"{chosen} is not able enough: {found.told}", step, machine=terminal.machine)
        raise typer.Exit(FAILED)
    terminal.say(f"{chosen} is able enough: {found.told} ({found.used})")


def _described(settings: "Settings", name: str) -> dict[str, Any]:
    from orket_pipelines.agents.models.catalog import chain_of, dialect_for, told_server

    return {
        "name": name,
        "server": told_server(settings, name),
        "dialect": dialect_for(settings, name).name,
        "fallback": list(chain_of(settings, name)[1:]),
        "used_for": _used_for(settings, name),
        "price": _price(settings, name),
    }


def _used_for(settings: "Settings", name: str) -> list[str]:
    used = ["all other work"] if name == settings.model else []
    used += [role for role, model in settings.role_models.items() if model == name]
    return [*used, "simple work"] if settings.simple_work and settings.simple_work.model == name else used


def _price(settings: "Settings", name: str) -> str:
    from orket_pipelines.agents.models.catalog import server_of
    from orket_pipelines.agents.models.prices import listed_price
    from orket_pipelines.settings import SCRIPTED

    if name == SCRIPTED:
        return "free"
    server = server_of(settings, name)
    own = (server.input_price, server.output_price)
    price = own if None not in own else listed_price(server.model or name, server.base_url)
    return "not known" if price is None else f"{price[0]:g} in, {price[1]:g} out"
