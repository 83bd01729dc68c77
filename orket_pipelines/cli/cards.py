"""`orket cards`: what stands where."""

from dataclasses import asdict
from textwrap import indent
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli import card_files, moves, plans
from orket_pipelines.cli.moves import chosen
from orket_pipelines.cli.terminal import Terminal, command

if TYPE_CHECKING:
    from orket_pipelines.cards import Card

group = typer.Typer()
command(group, "import")(card_files.import_files)
command(group, "export")(card_files.export)
command(group, "rules")(moves.rules)
command(group, "move")(moves.move)
command(group, "plan")(plans.plan)
_TOLD = frozenset({"suites", "verified_by"})
"""Details of a card that are told in one line; a suite's source is for no terminal."""


@command(group, "list")
def list_all(
    terminal: Terminal,
    rock: Annotated[str | None, typer.Option(envvar="ORKET_ROCK", help="Only the cards of this rock.")] = None,
    state: Annotated[str | None, typer.Option(envvar="ORKET_STATE", help="Only cards in this state.")] = None,
) -> None:
    """Every card, where it stands, and why it waits."""
    from orket_pipelines.cards import CardState, scores
    from orket_pipelines.cards.records import get_card, list_cards

    wanted = CardState(chosen(state, CardState, "a state")) if state else None
    with terminal.store() as store, store.read() as tx:
        if rock is not None:
            get_card(tx, rock)
        known = list_cards(tx)
    score = scores(known)
    cards = [card for card in known if rock in {None, card.rock_id} and wanted in {None, card.state}]
    waits = {card.id: waits_for(card, known) for card in cards}
    terminal.data([asdict(card) | {"score": score[card.id], "waits_for": waits[card.id]} for card in cards])
    rows = [(each.id, each.kind, each.state, f"{score[each.id]:g}", each.name, waits[each.id]) for each in cards]
    columns = ("id", "kind", "state", "score", "name", "waits for")
    empty = "No card is in that state." if known else "There are no cards. Bring some in: orket cards import PATH"
    terminal.table(columns, rows, empty=empty)


@command(group, "show")
def show(terminal: Terminal, card: Annotated[str, typer.Argument(metavar="CARD", help="The card's id.")]) -> None:
    """One card: what it asks for, what it waits for, and what was said about it."""
    from orket_pipelines.cards.records import comments_of, get_card, list_cards

    with terminal.store() as store, store.read() as tx:
        found = get_card(tx, card)
        comments = comments_of(tx, card)
        known = list_cards(tx)
    children = [other for other in known if other.parent_id == card]
    said = [{"author": author, "body": body} for author, body in comments]
    terminal.data(asdict(found) | {"comments": said, "children": [child.id for child in children]})
    terminal.say("\n".join(_described(found, children, waits_for(found, known))))
    for author, body in comments:
        terminal.say(f"\n{author}:\n{body}")


def waits_for(card: "Card", known: "list[Card]") -> str:
    """Why nobody works on a card: its own wait, or the dependencies that are not done."""
    from orket_pipelines.cards import unmet_dependencies

    if card.wait_reason is not None:
        return f"{card.wait_reason}: {card.note}" if card.note else str(card.wait_reason)
    if card.state != "ready":
        return ""
    return ", ".join(unmet_dependencies(card, {other.id: other.state for other in known}))


def _described(card: "Card", children: "list[Card]", waiting: str) -> list[str]:
    facts = {
        "id": card.id,
        "state": card.state,
        "waits for": waiting,
        "part of": card.parent_id,
        "depends on": ", ".join(card.depends_on),
        "seat": card.seat,
        "attempt": card.attempt if card.attempt > 1 else None,
        "from": card.source,
        "suites": ", ".join(f"{suite['name']} ({suite['kind']})" for suite in card.details.get("suites") or ()),
        "must pass": ", ".join(card.details.get("verified_by") or ()),
        "children": ", ".join(f"{child.id} ({child.state})" for child in children),
    }
    lines = [f"{card.kind} {card.name}", *(f"  {name + ':':<12}{value}" for name, value in facts.items() if value)]
    told = {name: value for name, value in card.details.items() if value and name not in _TOLD}
    return lines + [f"\n{name}:\n{_readable(value)}" for name, value in told.items()]


def _readable(detail: object) -> str:
    """Prose as it is, a list as a list, anything else as YAML would write it."""
    if isinstance(detail, str):
        return indent(detail.strip(), "  ")
    import yaml

    return indent(yaml.safe_dump(detail, sort_keys=False, allow_unicode=True).strip(), "  ")
