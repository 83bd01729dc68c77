"""`orket sandboxes`: what runs of the rocks' results, and how to look at it, stop it and remove it."""

import json
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli import sandbox_up
from orket_pipelines.cli.terminal import FAILED, Terminal, command, when
from orket_pipelines.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orket_pipelines.delivery import Factory
    from orket_pipelines.sandboxes import Sandbox, Sandboxes

group = typer.Typer()
sandbox_up.register(group)
DAY = 86_400_000_000
"""In microseconds."""
LOOK_EVERY = 0.5
"""Seconds between two looks at logs that are followed."""
NONE_YET = "Nothing was deployed yet. Deliver a rock: orket rocks deliver ROCK. Or a folder: orket sandboxes up PATH"
Name = Annotated[str, typer.Argument(metavar="NAME", help="The rock's id, or the sandbox's.")]


@command(group, "list")
def list_all(terminal: Terminal) -> None:
    """Every sandbox: what runs there, and where."""
    from orket_pipelines.sandboxes.records import list_sandboxes

    with terminal.store() as store, store.read() as tx:
        found = list_sandboxes(tx)
    terminal.data([asdict(sandbox) for sandbox in found])
    rows = [
        (each.rock_id, each.state, each.commit[:12], each.url or "", each.isolation, _until(each), _first_line(each))
        for each in found
    ]
    columns = ("rock", "state", "commit", "url", "isolation", "kept until", "note")
    terminal.table(columns, rows, empty=NONE_YET)


@command(group, "show")
def show(terminal: Terminal, name: Name) -> None:
    """One sandbox: its services, their addresses, and why it does not run where it does not."""
    from orket_pipelines.sandboxes.observing import observations
    from orket_pipelines.sandboxes.records import get_sandbox, handles_of
    from orket_pipelines.sandboxes.uptime import VOUCHES, uptime

    with terminal.store() as store, store.read() as tx:
        found = get_sandbox(tx, name)
        since = tx.now - DAY
        tier = handles_of(tx, found.id).get("tier")
        day = uptime(observations(tx, found.id, since=since - VOUCHES), since=since, until=tx.now)
    terminal.data({**asdict(found), "tier": tier, "uptime": {**asdict(day), "ratio": day.ratio}})
    terminal.say(f"{found.rock_id}: {found.state}, commit {found.commit}, generation {found.generation}")
    if found.meanwhile:
        terminal.say(found.meanwhile)
    isolation = f"{found.isolation} ({tier})" if tier else found.isolation
    terminal.say(f"sandbox {found.id}, isolation {isolation}, kept until {_until(found) or 'deleted'}")
    known = "nothing is known" if day.ratio is None else f"{day.ratio:.1%} of what is known"
    terminal.say(f"up in the last 24 hours: {known}; unknown: {day.unknown / DAY:.0%} of them")
    rows = [
        (each["name"], each["stack"], each["kind"], each["folder"], found.urls.get(each["name"], ""))
        for each in found.plan.get("services", ())
    ]
    terminal.table(("service", "stack", "kind", "folder", "url"), rows, empty="It has no services yet.")
    if found.note:
        terminal.say(f"\n{found.note}")


@command(group, "logs")
def logs(
    terminal: Terminal,
    name: Name,
    service: Annotated[str | None, typer.Option(envvar="ORKET_SERVICE", help="Only what this service said.")] = None,
    tail: Annotated[int, typer.Option(envvar="ORKET_TAIL", min=1, help="Lines of each service, from the end.")] = 200,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", envvar="ORKET_FOLLOW", help="Go on with what they say, until Ctrl+C.")
    ] = False,
) -> None:
    """What the services of a sandbox said last; with --follow also what comes, over deployments too."""
    with _factory(terminal) as factory:
        found = _find(factory, name)
        said = _only(service, _sandboxes(factory).logs(found, tail=tail), found)
        if follow:
            _follow(terminal, factory, found, service, tail)
            return
    terminal.data(said)
    for each, text in said.items():
        terminal.say(f"== {each}\n{text.rstrip()}")
    if not said:
        terminal.say("Nothing was said, or it was removed.")


@command(group, "diagnose")
def diagnose(terminal: Terminal, name: Name) -> None:
    """Why a sandbox does not do what it should, and what to do; the exit code is 1 where something is wrong."""
    from orket_pipelines.sandboxes.diagnosing import explain

    with _factory(terminal) as factory:
        sandbox = _find(factory, name)
        found = explain(sandbox.state, sandbox.note, _sandboxes(factory).look(sandbox))
    terminal.data({"rock_id": sandbox.rock_id, "state": sandbox.state, "findings": [asdict(each) for each in found]})
    for each in found:
        said = "".join(f"\n  | {line}" for line in each.lines)
        terminal.say(f"{each.service or sandbox.rock_id}: {each.what}{said}\n  do: {each.advice}")
    if found:
        raise typer.Exit(FAILED)
    terminal.say(f"{sandbox.rock_id}: {sandbox.state}, and nothing is wrong with it")


@command(group, "compose")
def compose(
    terminal: Terminal,
    name: Name,
    source: Annotated[
        Path | None,
        typer.Option(envvar="ORKET_SOURCE", help="The files that it runs; by default the copy that is deployed."),
    ] = None,
) -> None:
    """Print a compose document that runs what is deployed, databases and all, on an engine of yours."""
    from orket_pipelines.sandboxes.exporting import export
    from orket_pipelines.sandboxes.planning import plan_from_document
    from orket_pipelines.sandboxes.records import get_sandbox
    from orket_pipelines.sandboxes.source import source_of

    settings = terminal.settings()
    with terminal.store() as store, store.read() as tx:
        found = get_sandbox(tx, name)
    files = source or source_of(settings.home, settings.workspace, found.id, found.generation)
    if not found.plan or not files.is_dir():
        missing = f"there is no folder {files}" if found.plan else "what it runs was never planned"
        raise SandboxError(
            f"the sandbox of {found.rock_id} cannot be exported: {missing}",
            next_step="Export a checkout of your own: orket detect PATH --compose",
        )
    typer.echo(export(plan_from_document(found.plan), files.resolve(), settings), nl=False)


@command(group, "presets")
def presets(
    terminal: Terminal,
    name: Annotated[str | None, typer.Argument(metavar="[PRESET]", help="Print this one, to be an orket.yaml.")] = None,
) -> None:
    """Stacks that people often begin with; with a name, the orket.yaml that runs one."""
    from orket_pipelines.sandboxes.presets import about_preset, preset_names, read_preset

    if name is not None:
        typer.echo(read_preset(name), nl=False)
        return
    about = {each: about_preset(each) for each in preset_names()}
    terminal.data(about)
    terminal.table(("preset", "what it is"), list(about.items()), empty="")


@command(group, "stop")
def stop(terminal: Terminal, name: Name) -> None:
    """Stop a sandbox; its logs and ports stay, and its next deployment starts it again."""
    with _factory(terminal) as factory:
        sandboxes = _sandboxes(factory)
        stopped = _change(factory, [_find(factory, name)], sandboxes.stop)
    terminal.data(asdict(stopped[0]))
    terminal.say(f"{stopped[0].rock_id}: stopped")


@command(group, "down")
def down(
    terminal: Terminal,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The rock's id, or the sandbox's.")] = None,
    every: Annotated[
        bool, typer.Option("--all", envvar="ORKET_ALL", help="All of the workspace, with what was installed for them.")
    ] = False,
) -> None:
    """Remove a sandbox: containers or processes, networks, volumes, ports, files."""
    if (name is None) is not every:
        raise typer.BadParameter("name one sandbox, or say --all")
    with _factory(terminal) as factory:
        sandboxes = _sandboxes(factory)
        chosen = [_find(factory, name)] if name is not None else _present(factory)
        removed = _change(factory, chosen, sandboxes.down)
        volumes = _forget_dependencies(factory) if every else []
    terminal.data({"removed": [asdict(each) for each in removed], "volumes": volumes})
    for each in removed:
        terminal.say(f"{each.rock_id}: removed")
    if volumes:
        terminal.say(f"{len(volumes)} volumes of dependencies: removed; the next deployment installs them again")
    if not removed:
        terminal.say("There is no sandbox to remove.")


def _only(service: str | None, said: dict[str, str], sandbox: "Sandbox") -> dict[str, str]:
    if service is None:
        return said
    if service not in said:
        known = ", ".join(sorted(said)) or "none"
        raise SandboxError(
            f"the sandbox of {sandbox.rock_id} has no log of a service {service}: there are of {known}",
            next_step=f"See its services: orket sandboxes show {sandbox.rock_id}",
        )
    return {service: said[service]}


def _follow(terminal: Terminal, factory: "Factory", sandbox: "Sandbox", service: str | None, tail: int) -> None:
    """Print lines as they come, until the sandbox is removed; for programs, one JSON document a line."""
    from orket_pipelines.sandboxes import SandboxState
    from orket_pipelines.sandboxes.following import WINDOW, follow

    def read() -> dict[str, str]:
        said = _sandboxes(factory).logs(_find(factory, sandbox.id), tail=WINDOW, stamped=True)
        return {name: text for name, text in said.items() if service in {None, name}}

    def wait() -> bool:
        time.sleep(LOOK_EVERY)
        return _find(factory, sandbox.id).state is SandboxState.DELETED

    for name, news in follow(read, wait, tail=tail):
        if news.missed:
            terminal.say(f"{name} | (it began anew, or said more than can be followed: lines may be missing here)")
        for line in news.lines:
            if terminal.machine:
                typer.echo(json.dumps({"service": name, "line": line}))
            terminal.say(f"{name} | {line}")


def _factory(terminal: Terminal) -> "Factory":
    from orket_pipelines.delivery import open_factory

    return open_factory(terminal.settings())


def _sandboxes(factory: "Factory") -> "Sandboxes":
    if factory.stage is None:
        raise SandboxError("nothing is deployed here", next_step="See what this machine lacks: orket doctor")
    return factory.stage.sandboxes


def _find(factory: "Factory", name: str) -> "Sandbox":
    from orket_pipelines.sandboxes.records import get_sandbox

    with factory.store.read() as tx:
        return get_sandbox(tx, name)


def _present(factory: "Factory") -> "list[Sandbox]":
    from orket_pipelines.sandboxes import SandboxState
    from orket_pipelines.sandboxes.records import list_sandboxes

    with factory.store.read() as tx:
        return list_sandboxes(tx, set(SandboxState) - {SandboxState.DELETED})


def _change(factory: "Factory", chosen: "Sequence[Sandbox]", act: "Callable[[Sandbox], Sandbox]") -> "list[Sandbox]":
    """Do `act` to each while nobody deploys it; what a deployment made of it meanwhile is what is acted on."""
    from orket_pipelines.sandboxes import lease_name

    changed = []
    for sandbox in chosen:
        with factory.leases.holding(lease_name(sandbox.rock_id), stop=threading.Event()):
            changed.append(act(_find(factory, sandbox.id)))
    return changed


def _forget_dependencies(factory: "Factory") -> list[str]:
    from orket_pipelines.delivery.isolation import worker_labels
    from orket_pipelines.dependencies.volumes import Volumes

    if factory.engine is None:
        return []
    volumes = Volumes(factory.engine, factory.store, factory.leases, worker_labels(factory.settings))
    return volumes.forget_unused(before=factory.store.clock.now() + 1)


def _until(sandbox: "Sandbox") -> str:
    return when(sandbox.expires_at) if sandbox.expires_at is not None else ""


def _first_line(sandbox: "Sandbox") -> str:
    return sandbox.note.partition("\n")[0]
