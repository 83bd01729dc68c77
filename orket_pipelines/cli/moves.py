"""`orket cards rules` and `orket cards move`: which moves a card can make, and one made by hand."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal

if TYPE_CHECKING:
    from orket_pipelines.cards import Card


def rules(
    terminal: Terminal,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", envvar="ORKET_MERMAID", help="Draw them, as in docs/STATE_MACHINE.md.")
    ] = False,
) -> None:
    """Every move that a card can make, who may make it, and what it needs."""
    from orket_pipelines.cards import WaitReason
    from orket_pipelines.cards import diagrams as told

    if mermaid:
        terminal.data({"mermaid": told.draw_diagrams()})
        terminal.say(told.draw_diagrams())
        return
    terminal.data(told.rules_document())
    rows = [
        (told.kinds_alike(kind), rule.start, rule.end, told.who_may(rule), told.what_it_needs(rule))
        for kind in told.DRAWN
        for rule in told.rules_of(kind)
    ]
    terminal.table(("kind", "from", "to", "who", "needs"), rows, empty="")
    terminal.say(f"\nWait reasons: {', '.join(WaitReason)}. Nothing leads out of done and canceled.")


def move(
    terminal: Terminal,
    card: Annotated[str, typer.Argument(metavar="CARD", help="The card's id.")],
    state: Annotated[str, typer.Argument(metavar="STATE", help="Where it goes.")],
    *,
    role: Annotated[str, typer.Option("--as", envvar="ORKET_AS", help="The role in which you decide it.")],
    reason: Annotated[
        str | None, typer.Option(envvar="ORKET_REASON", help="What it waits for, where it is to wait.")
    ] = None,
    note: Annotated[str, typer.Option(envvar="ORKET_NOTE", help="Why, in your own words.")] = "",
) -> None:
    """Move a card by hand, as the rules allow; a refusal is on record.

    Which moves there are, and who may make them: orket cards rules
    """
    from orket_pipelines.agents.roles import load_roles
    from orket_pipelines.cards import CANCELER, CardState, Move, WaitReason
    from orket_pipelines.cards.records import get_card, list_cards, move_card

    actor = chosen(role, sorted({*load_roles(terminal.settings().roles), CANCELER}), "a role in which a person decides")
    to = CardState(chosen(state, CardState, "a state"))
    waits_for = WaitReason(chosen(reason, WaitReason, "a wait reason")) if reason else None
    with terminal.store() as store:
        with store.read() as tx:
            before = get_card(tx, card)
            known = list_cards(tx, rock_id=before.rock_id) if before.rock_id else [before]
        moved = move_card(store, card, Move(to, actor, waits_for, note))
        with store.read() as tx:
            now = list_cards(tx, rock_id=before.rock_id) if before.rock_id else [moved]
    terminal.data(asdict(moved))
    for each in _moved(known, now):
        terminal.say(each)


def _moved(before: "list[Card]", now: "list[Card]") -> list[str]:
    stood = {card.id: card.state for card in before}
    return [
        f"{card.id}: {stood[card.id]} → {card.state}" for card in now if stood.get(card.id, card.state) != card.state
    ]


def chosen(text: str, choices: Iterable[str], what: str) -> str:
    """The text, where it is one of `choices`. Raises: BadParameter, which names them all."""
    allowed = [str(choice) for choice in choices]
    if text not in allowed:
        raise typer.BadParameter(f"{text!r} is not {what}; there are: {', '.join(allowed)}")
    return text
