"""`orket policy`: what was refused, why, and how to do it right."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command, when
from orket_pipelines.errors import OrketError

group = typer.Typer()


@command(group, "list")
def list_all(
    terminal: Terminal,
    *,
    card: Annotated[str | None, typer.Option(envvar="ORKET_CARD", help="Only what concerns this card.")] = None,
    rock: Annotated[str | None, typer.Option(envvar="ORKET_ROCK", help="Only what concerns this rock.")] = None,
    rule: Annotated[str | None, typer.Option(envvar="ORKET_RULE", help="Only what this rule refused.")] = None,
    actor: Annotated[str | None, typer.Option(envvar="ORKET_ACTOR", help="Only what this role attempted.")] = None,
) -> None:
    """Every move, tool call and step that was refused."""
    from orket_pipelines.cards.records import get_card
    from orket_pipelines.policy import list_violations

    with terminal.store() as store, store.read() as tx:
        for named in (card, rock):
            if named is not None:
                get_card(tx, named)
        found = list_violations(tx, card_id=card, rock_id=rock, rule=rule, actor=actor)
    terminal.data([asdict(violation) for violation in found])
    rows = [(each.id, when(each.at), each.rule, each.actor, each.card_id or "", each.reason) for each in found]
    terminal.table(("id", "at", "rule", "actor", "card", "reason"), rows, empty="Nothing was refused.")


@command(group, "show")
def show(terminal: Terminal, violation: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """One refusal: what was attempted, why it was refused, how to do it right."""
    from orket_pipelines.policy import find_violation

    with terminal.store() as store, store.read() as tx:
        found = find_violation(tx, violation)
    if found is None:
        raise OrketError(f"there is no violation {violation!r}", next_step="See which there are: orket policy list")
    terminal.data(asdict(found))
    terminal.say(f"{found.rule}, by {found.actor} at {when(found.at)}, about {found.card_id or 'no card'}")
    attempted = json.dumps(found.attempted, ensure_ascii=False)
    terminal.say(f"  attempted: {attempted}\n  refused:   {found.reason}\n  instead:   {found.fix}")
    if found.session_id is not None:
        terminal.say(f"  session:   orket sessions show {found.session_id}")
