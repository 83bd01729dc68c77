"""`orket bugs phase`: how long delivered rocks are watched, what was found in them, and how that ends."""

import threading
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal, command, typed, when

if TYPE_CHECKING:
    from orket_pipelines.bugs import Phase
    from orket_pipelines.delivery.bug_phases import Looked

group = typer.Typer()
Rock = Annotated[str, typer.Argument(metavar="ROCK", help="The rock's id.")]
Why = Annotated[str, typer.Option(envvar="ORKET_REASON", help="Why; it stands in the report.")]


@command(group, "list")
def list_all(
    terminal: Terminal,
    every: Annotated[bool, typer.Option("--all", envvar="ORKET_ALL", help="Those that are over, too.")] = False,
) -> None:
    """The phases that go on, with what was found in them so far."""
    from orket_pipelines.bugs import current, list_phases

    with terminal.store() as store, store.read() as tx:
        moment, rules = store.clock.moment(), terminal.settings().bug_phases
        found = [current(tx, phase, moment, rules) for phase in list_phases(tx, over=every)]
    terminal.data([report.as_json() for report in found])
    rows = [
        (
            each.rock_id,
            each.state,
            f"{each.days:.1f} of {each.planned_days:g}",
            each.found,
            each.fixed,
            f"{each.rate:g}",
        )
        for each in found
    ]
    empty = "No phase goes on. One begins when a rock is done: orket rocks list"
    terminal.table(("rock", "state", "days", "found", "fixed", "bugs a day"), rows, empty=empty)


@command(group, "show")
def show(
    terminal: Terminal,
    rock: Rock,
    html: Annotated[Path | None, typer.Option(envvar="ORKET_HTML", help="Write the report to this file, too.")] = None,
) -> None:
    """The report of a phase: what was found, what was fixed, by day, and what it cost."""
    from orket_pipelines.bugs import current, get_phase
    from orket_pipelines.bugs.page import numbers, page, summary

    with terminal.store() as store, store.read() as tx:
        phase = get_phase(tx, rock)
        report = current(tx, phase, store.clock.moment(), terminal.settings().bug_phases)
    terminal.data(report.as_json())
    terminal.say(f"{report.rock} ({rock}): {summary(report)}")
    terminal.table(("", ""), numbers(report), empty="")
    days = [(day.day, day.found, day.fixed, f"{day.rate:g}") for day in report.by_day]
    terminal.table(("day", "found", "fixed", "found a day so far"), days, empty="")
    if html is not None:
        html.write_text(page(report))
        terminal.say(f"Written: {html}")


@command(group, "extend")
def extend(
    terminal: Terminal,
    rock: Rock,
    days: Annotated[float | None, typer.Option(envvar="ORKET_DAYS", min=0.01, help="By how long.")] = None,
    reason: Why = "",
) -> None:
    """Have a phase go on for longer."""
    from getpass import getuser

    from orket_pipelines.bugs import extend as extend_in

    with terminal.store() as store, store.write() as tx:
        rules = terminal.settings().bug_phases
        phase = extend_in(tx, rock, days, by=getuser(), reason=reason, rules=rules)
        moment = store.clock.moment()
    terminal.data(_told(phase))
    left = (phase.planned - phase.elapsed_at(moment)) // 1_000_000
    terminal.say(f"{rock}: extended; it ends about {when(moment.at + left * 1_000_000)}, unless bugs extend it again.")


@command(group, "abort")
def abort(terminal: Terminal, rock: Rock, reason: Why = "") -> None:
    """End a phase now: its open bugs go to a second rock, its sandbox is taken down once its logs are kept."""
    from getpass import getuser

    from orket_pipelines.bugs import abort as abort_in

    with terminal.store() as store, store.write() as tx:
        abort_in(tx, rock, by=getuser(), reason=reason)
    _look(terminal, only=rock)


@command(group, "check")
def check(
    terminal: Terminal,
    verify: Annotated[
        bool, typer.Option("--verify", envvar="ORKET_VERIFY", help="Try what runs once more: each failure is a bug.")
    ] = False,
) -> None:
    """Look after every phase, as is done each night: extend it or end it where that is due."""
    if verify:
        _verify(terminal)
    _look(terminal)


def _look(terminal: Terminal, *, only: str | None = None) -> None:
    from orket_pipelines.delivery import open_factory
    from orket_pipelines.delivery.bug_phases import look_after_phases

    with open_factory(terminal.settings()) as factory:
        looked = look_after_phases(factory, stop=threading.Event())
    shown = [each for each in looked if only in {None, each.phase.rock_id}]
    terminal.data([_told(each.phase) | {"trouble": each.trouble} for each in shown])
    for each in shown:
        _say(terminal, each)
    if not shown:
        terminal.say("No phase goes on.")
    if any(each.trouble for each in shown):
        raise typer.Exit(FAILED)


def _say(terminal: Terminal, looked: "Looked") -> None:
    phase = looked.phase
    terminal.say(f"{phase.rock_id}: {phase.state}{f', {phase.reason}' if phase.reason else ''}")
    for bug in looked.found:
        terminal.say(f"  found in the forge: {bug.card.id}")
    if looked.trouble:
        terminal.say(f"  its end is decided and could not be carried out: {looked.trouble}")
    if phase.is_over:
        left = f", what is open is the work of {phase.left_to}" if phase.left_to else ""
        terminal.say(typed(f"  its report: orket bugs phase show {phase.rock_id}{left}"))


def _verify(terminal: Terminal) -> None:
    from orket_pipelines.bugs import rocks_in_phase
    from orket_pipelines.delivery import open_factory
    from orket_pipelines.delivery.nightly import verify_again

    with open_factory(terminal.settings()) as factory:
        with factory.store.read() as tx:
            rocks = sorted(rocks_in_phase(tx))
        for rock in rocks:
            runs, found = verify_again(factory, rock, stop=threading.Event())
            bad = sum(not run.report.passed for run in runs)
            terminal.say(f"{rock}: {len(runs)} suites tried, {bad} failed, {len(found)} bugs")


def _told(phase: "Phase") -> dict[str, Any]:
    return {name: value for name, value in asdict(phase).items() if name not in {"seen", "closing"}}
