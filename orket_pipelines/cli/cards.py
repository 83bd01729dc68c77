"""`orket cards`: bring card files in, and see what stands where."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from orket_pipelines.cards.model import Card, CardState

group = typer.Typer()


@command(group, "import")
def import_files(
    terminal: Terminal,
    paths: Annotated[list[Path], typer.Argument(help="Card files (JSON or YAML), or folders of them.")],
) -> None:
    """Bring card files into the store: all of them, or none where one is wrong."""
    from orket_pipelines.agents.roles import load_roles
    from orket_pipelines.cards.importing import import_cards

    with terminal.store() as store:
        imported = import_cards(store, paths, seats=load_roles())
    terminal.data(asdict(imported))
    terminal.say(str(imported))


@command(group, "list")
def list_all(
    terminal: Terminal,
    rock: Annotated[str | None, typer.Option(envvar="ORKET_ROCK", help="Only the cards of this rock.")] = None,
    state: Annotated[str | None, typer.Option(envvar="ORKET_STATE", help="Only cards in this state.")] = None,
) -> None:
    """Every card, where it stands, and why it waits."""
    from orket_pipelines.cards.records import list_cards

    with terminal.store() as store, store.read() as tx:
        cards = list_cards(tx, rock_id=rock, states=[_state(state)] if state else None)
    terminal.data([asdict(card) for card in cards])
    rows = [(card.id, card.kind, card.state, f"{card.priority:g}", card.name, waits_for(card, cards)) for card in cards]
    columns = ("id", "kind", "state", "priority", "name", "waits for")
    terminal.table(columns, rows, empty="There are no cards. Bring some in: orket cards import PATH")


@command(group, "show")
def show(terminal: Terminal, card: Annotated[str, typer.Argument(metavar="CARD", help="The card's id.")]) -> None:
    """One card: what it asks for, what it waits for, and what was said about it."""
    from orket_pipelines.cards.records import comments_of, get_card, list_cards

    with terminal.store() as store, store.read() as tx:
        found = get_card(tx, card)
        comments = comments_of(tx, card)
        children = list_cards(tx, parent_id=card)
        known = list_cards(tx, rock_id=found.rock_id) if found.rock_id else children
    said = [{"author": author, "body": body} for author, body in comments]
    terminal.data(asdict(found) | {"comments": said, "children": [child.id for child in children]})
    terminal.say("\n".join(_described(found, children, waits_for(found, known))))
    for author, body in comments:
        terminal.say(f"\n{author}:\n{body}")


def waits_for(card: "Card", known: "list[Card]") -> str:
    """Why nobody works on a card: its own wait, or the dependencies that are not done."""
    if card.wait_reason is not None:
        return f"{card.wait_reason}: {card.note}" if card.note else str(card.wait_reason)
    if card.state != "ready":
        return ""
    done = {other.id for other in known if other.state == "done"}
    return ", ".join(sorted(set(card.depends_on) - done))


def _described(card: "Card", children: "list[Card]", waiting: str) -> list[str]:
    facts = {
        "id": card.id,
        "state": card.state,
        "waits for": waiting,
        "in": card.parent_id,
        "depends on": ", ".join(card.depends_on),
        "seat": card.seat,
        "attempt": card.attempt if card.attempt > 1 else None,
        "from": card.source,
    }
    lines = [f"{card.kind} {card.name}", *(f"  {name + ':':<12}{value}" for name, value in facts.items() if value)]
    lines += [f"  {name + ':':<12}{value}" for name, value in card.details.items() if value]
    return lines + [f"  {child.kind} {child.id}: {child.state}" for child in children]


def _state(text: str) -> "CardState":
    from orket_pipelines.cards.model import CardState

    if text not in set(CardState):
        raise typer.BadParameter(f"{text!r} is not a state; there are: {', '.join(CardState)}")
    return CardState(text)
