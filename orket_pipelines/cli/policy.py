"""`orket policy`: what was refused, why, and how to do it right."""

from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command, when
from orket_pipelines.errors import OrketError

group = typer.Typer()


@command(group, "list")
def list_all(
    terminal: Terminal,
    card: Annotated[str | None, typer.Option(envvar="ORKET_CARD", help="Only what concerns this card.")] = None,
) -> None:
    """Every refused move and tool call."""
    from orket_pipelines.cards.records import get_card
    from orket_pipelines.policy import list_violations

    with terminal.store() as store, store.read() as tx:
        found = list_violations(tx, card_id=card)
        if card is not None and not found:
            get_card(tx, card)
    terminal.data([asdict(violation) for violation in found])
    rows = [(each.id, when(each.at), each.rule, each.actor, each.card_id or "", each.reason) for each in found]
    terminal.table(("id", "at", "rule", "actor", "card", "reason"), rows, empty="Nothing was refused.")


@command(group, "show")
def show(terminal: Terminal, violation: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """One refusal: what was attempted, why it was refused, how to do it right."""
    from orket_pipelines.policy import list_violations

    with terminal.store() as store, store.read() as tx:
        found = next((each for each in list_violations(tx) if each.id == violation), None)
    if found is None:
        raise OrketError(f"there is no violation {violation!r}", next_step="See which there are: orket policy list")
    terminal.data(asdict(found))
    terminal.say(f"{found.rule}, by {found.actor} at {when(found.at)}, about {found.card_id or 'no card'}")
    terminal.say(f"  attempted: {found.attempted}\n  refused:   {found.reason}\n  instead:   {found.fix}")
