"""Propose that a card of the rock be worked on next; people and the order of work decide."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import WORKABLE, CardState
from orket_pipelines.cards.records import add_comment, get_card
from orket_pipelines.errors import CardError
from orket_pipelines.store import Transaction, append


class NominateCard(Arguments):
    card: str = Field(min_length=1, max_length=63, description="The id of an issue of your rock that nobody began.")
    reason: str = Field(min_length=1, max_length=2_000, pattern=r"\S", description="Why it should come next.")


def _run(_desk: Desk, assignment: Assignment, arguments: NominateCard) -> ToolResult:
    def record(tx: Transaction) -> None:
        _demand_nominable(tx, assignment.card_id, arguments.card)
        add_comment(tx, arguments.card, assignment.role, f"Nominated as next: {arguments.reason}")
        payload = {"role": assignment.role, "by_card": assignment.card_id, "reason": arguments.reason}
        append(tx, "card.nominated", arguments.card, payload)

    told = "The nomination stands as a comment on it; a person sets its priority."
    return ToolResult(f"Nominated {arguments.card}. {told}", record=record)


def _demand_nominable(tx: Transaction, own_id: str, card_id: str) -> None:
    own, card = get_card(tx, own_id), get_card(tx, card_id)
    if own.rock_id is None or card.rock_id != own.rock_id or card.kind not in WORKABLE:
        raise CardError(f"{card_id} is no issue of your rock", next_step="See which there are: card_context")
    if card.state is not CardState.READY:
        raise CardError(f"{card_id} is {card.state}; only what nobody began can come next", next_step="Name another.")


NOMINATE_CARD = Tool(
    "nominate_card",
    "Propose an issue of your rock that should be worked on next, with the reason.",
    NominateCard,
    Reach.STORE,
    _run,
    session_limit=5,
)
