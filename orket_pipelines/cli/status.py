"""`orket status`: who works on what, why the rest is not worked on, and where work piles up."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command, typed

if TYPE_CHECKING:
    from orket_pipelines.delivery.status import Limit, Status

MINUTE, HOUR = 60, 3600


def register(application: typer.Typer) -> None:
    """Add the command to the tree."""
    command(application, "status")(status)


def status(
    terminal: Terminal,
    rock: Annotated[str | None, typer.Option(envvar="ORKET_ROCK", help="Only the issues of this rock.")] = None,
) -> None:
    """Who works on which issue, at which step and for how long; for every other one, why nobody does."""
    from orket_pipelines.delivery.status import status_of
    from orket_pipelines.store import LeaseKeeper

    settings = terminal.settings()
    with terminal.store() as store, closing(LeaseKeeper(store)) as leases, store.read() as tx:
        found = status_of(tx, leases, settings, rock)
    terminal.data(asdict(found))
    terminal.say(_summary(found))
    if found.at_work:
        terminal.say("\nat work")
        rows = [(each.card_id, each.step, _duration(each.seconds), each.worker) for each in found.at_work]
        terminal.table(("issue", "step", "for", "worker"), rows, empty="")
    if found.waiting:
        terminal.say("\nnot at work")
        waiting = [(each.card_id, each.state, each.told, typed(each.next_step)) for each in found.waiting]
        terminal.table(("issue", "state", "why", "next"), waiting, empty="")
    if found.bottlenecks:
        terminal.say("\nbottlenecks")
        for each in found.bottlenecks:
            terminal.say(f"  {each.pressure}: {each.told}: {_some(each.card_ids)}")


def _summary(found: "Status") -> str:
    if not found.states:
        return "There are no cards. Bring some in: orket cards import PATH"
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(found.states.items()))
    places = ", ".join(map(_limit, found.limits))
    return f"issues: {states}\nplaces: {places}"


def _limit(limit: "Limit") -> str:
    whose = f" of {limit.scope} {limit.name}" if limit.name else ""
    return f"{limit.taken} of {limit.limit} taken{whose}"


def _some(card_ids: Sequence[str], *, at_most: int = 5) -> str:
    more = len(card_ids) - at_most
    return ", ".join(card_ids[:at_most]) + (f" and {more} more" if more > 0 else "")


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole >= HOUR:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // MINUTE} min {whole % MINUTE} s" if whole >= MINUTE else f"{whole} s"
