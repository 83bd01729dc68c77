"""The card and what is around it: what it belongs to, its siblings, what it needs, what was said about it."""

from collections.abc import Iterator

from pydantic import Field

from orket_pipelines.agents.fences import fence
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import Card, CardState
from orket_pipelines.cards.records import comments_of, find_card, get_card, list_cards
from orket_pipelines.errors import CardError
from orket_pipelines.store import Transaction

NAMED = 100
"""Cards of one list."""
COMMENTS = 20
LONGEST = 4_000
"""Characters of one text that somebody wrote."""


class CardContext(Arguments):
    card: str | None = Field(
        None, max_length=63, description="The id of another card of the same rock; your own by default."
    )


def _run(desk: Desk, assignment: Assignment, arguments: CardContext) -> ToolResult:
    with desk.store.read() as tx:
        own = get_card(tx, assignment.card_id)
        card = get_card(tx, arguments.card) if arguments.card else own
        if card.id != own.id and (own.rock_id is None or card.rock_id != own.rock_id):
            raise CardError(f"there is no card {card.id!r} in your rock", next_step="Ask for your own: card_context")
        parts = [_described(card), *_around(tx, card), *_said(tx, card)]
    return ToolResult("\n\n".join(parts))


def _described(card: Card) -> str:
    stands = f"{card.kind} {card.id}: {card.state}, priority {card.priority:g}, attempt {card.attempt}"
    waits = f", waits for {card.wait_reason}" if card.wait_reason else ""
    told = [card.name, card.details.get("description"), card.details.get("requirements"), card.note]
    return fence(stands + waits, _cut("\n\n".join(str(text).strip() for text in told if text)))


def _around(tx: Transaction, card: Card) -> Iterator[str]:
    """Parents, siblings, children, and dependencies in both directions; lists that would be empty are left out."""
    parent = find_card(tx, card.parent_id) if card.parent_id else None
    rock = find_card(tx, card.rock_id) if card.rock_id and card.rock_id != card.id else None
    above = [each for each in (rock, parent) if each is not None]
    of_rock = list_cards(tx, rock_id=card.rock_id) if card.rock_id else []
    lists = {
        "what it belongs to": list({each.id: each for each in above}.values()),
        "its siblings": [each for each in of_rock if parent and each.parent_id == parent.id and each.id != card.id],
        "what belongs to it": [each for each in of_rock if each.parent_id == card.id],
        "what it depends on": [found for name in card.depends_on if (found := find_card(tx, name))],
        "what depends on it": [each for each in of_rock if card.id in each.depends_on],
    }
    for title, cards in lists.items():
        if cards:
            lines = [f"{each.id} ({each.kind}, {each.state}): {each.name}" for each in cards[:NAMED]]
            more = [f"[and {len(cards) - NAMED} more]"] if len(cards) > NAMED else []
            yield fence(title, "\n".join([*lines, *more]))


def _said(tx: Transaction, card: Card) -> Iterator[str]:
    comments = comments_of(tx, card.id)
    if len(comments) > COMMENTS:
        yield f"[{len(comments) - COMMENTS} older comments are left out]"
    for author, body in comments[-COMMENTS:]:
        yield fence(f"comment by {author}", _cut(body))


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST]}\n[{len(text) - LONGEST} more characters are left out]"


CARD_CONTEXT = Tool(
    "card_context",
    "Read a card as it stands now: text, what it belongs to, siblings, dependencies, comments.",
    CardContext,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
