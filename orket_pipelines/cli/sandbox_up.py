"""`orket sandboxes up`: a folder of yours, running in a sandbox."""

import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import FAILED, INTERRUPTED, Terminal, command, complain, typed
from orket_pipelines.errors import SandboxError, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from orket_pipelines.delivery import Factory
    from orket_pipelines.sandboxes import Deployment, Sandbox


def register(group: typer.Typer) -> None:
    """Add the command to `orket sandboxes`."""
    command(group, "up")(up)


def up(
    terminal: Terminal,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A repository's folder.", envvar="ORKET_UP_PATH")],
    name: Annotated[
        str | None, typer.Option(envvar="ORKET_NAME", help="What it is called; by default as its folder is.")
    ] = None,
) -> None:
    """Run what a folder holds, as it stands: found, installed, built, started, and healthy. The same files are left
    alone; others take the place of what ran under that name."""
    from orket_pipelines.cli.delivering import stoppable
    from orket_pipelines.delivery import open_factory
    from orket_pipelines.sandboxes import SandboxState
    from orket_pipelines.sandboxes.folders import deployment_of

    settings, stop, began = terminal.settings(), threading.Event(), time.monotonic()
    deployment = deployment_of(path, name, limit=settings.checkout_limit)
    with open_factory(settings) as factory, stoppable(terminal, stop):
        _demand_no_rock(factory, deployment.rock_id)
        terminal.say(factory.isolation)
        try:
            sandbox = _deploy(factory, deployment, _teller(terminal, began), stop)
        except Stopped as error:
            complain(f"interrupted: {error}", f"Carry on: orket sandboxes up {path}", machine=terminal.machine)
            raise typer.Exit(INTERRUPTED) from error
    terminal.data(asdict(sandbox))
    if sandbox.state is not SandboxState.RUNNING:
        step = f"Mend it, then: orket sandboxes up {path}"
        terminal.say(f"\n{sandbox.note}\n{sandbox.meanwhile}\n")
        complain(
            f"{sandbox.rock_id} does not run: {sandbox.note.partition(chr(10))[0]}", step, machine=terminal.machine
        )
        raise typer.Exit(FAILED)
    _tell_person(terminal, sandbox)


def _deploy(
    factory: "Factory", deployment: "Deployment", tell: "Callable[[str], None]", stop: threading.Event
) -> "Sandbox":
    from orket_pipelines.sandboxes import lease_name

    if factory.stage is None:
        raise SandboxError("nothing is deployed here", next_step="See what this machine lacks: orket doctor")
    with factory.leases.holding(lease_name(deployment.rock_id), stop=stop) as lease:
        return factory.stage.sandboxes.under(lease).deploy(deployment, stop=stop, tell=tell)


def _demand_no_rock(factory: "Factory", name: str) -> None:
    """Raises: SandboxError where merges deploy to that sandbox."""
    from orket_pipelines.cards.records import find_card

    with factory.store.read() as tx:
        found = find_card(tx, name)
    if found is not None:
        raise SandboxError(
            f"{name} is a {found.kind}, and its sandbox shows what was merged",
            next_step="Call this one otherwise: orket sandboxes up PATH --name NAME",
        )


def _teller(terminal: Terminal, began: float) -> "Callable[[str], None]":
    return lambda what: terminal.say(f"[{time.monotonic() - began:6.1f} s] {what}")


def _tell_person(terminal: Terminal, sandbox: "Sandbox") -> None:
    terminal.say(f"\n{sandbox.rock_id} runs: {sandbox.url}")
    others = {service: url for service, url in sandbox.urls.items() if service != sandbox.front}
    for service, url in others.items():
        terminal.say(f"  {service}: {url}")
    steps = (f"orket sandboxes logs {sandbox.rock_id} --follow", f"orket sandboxes down {sandbox.rock_id}")
    terminal.say("next:\n" + "\n".join(f"  {typed(each)}" for each in steps))
