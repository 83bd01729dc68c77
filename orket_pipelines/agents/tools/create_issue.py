"""Create an issue beside the card at hand: below the same epic, within the same rules as a card file."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.identifiers import derived_id
from orket_pipelines.cards.model import DEFAULT_PRIORITY, WORKABLE, Card, CardKind
from orket_pipelines.cards.records import find_card, get_card, insert_cards, list_cards
from orket_pipelines.errors import CardError, EpicFull
from orket_pipelines.store import Transaction

NEEDED = 20
"""Dependencies of one issue."""
FULL = 50
"""Issues of one epic beyond which no agent adds any, whatever the epic declares: two could go on for ever."""


class CreateIssue(Arguments):
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\r\n]*\S[^\r\n]*$", description="One line.")
    description: str = Field(
        min_length=1, max_length=20_000, pattern=r"\S", description="What must be true when it is done, and why."
    )
    seat: str | None = Field(None, max_length=63, description="The role that should do it; coder by default.")
    priority: float = Field(DEFAULT_PRIORITY, ge=1, le=3, description="1 low, 2 medium, 3 high.")
    depends_on: list[str] = Field([], max_length=NEEDED, description="Ids of issues of this rock to be done before.")


def _run(desk: Desk, assignment: Assignment, arguments: CreateIssue) -> ToolResult:
    # Roles are found by the gate's own loader, which imports this module through the registry.
    from orket_pipelines.agents.roles import load_roles  # noqa: PLC0415

    with desk.store.read() as tx:
        new = _issue(get_card(tx, assignment.card_id), arguments)
    seats = load_roles(desk.settings.roles)
    if new.seat is not None and new.seat not in seats:
        return ToolResult(f"There is no seat {new.seat!r}. Call again with one of: {', '.join(seats)}.", failed=True)

    def record(tx: Transaction) -> None:
        _demand_place(tx, new, limit=desk.settings.epic_issue_limit)
        insert_cards(tx, [new])

    told = "It is ready, and waits for its turn like every other."
    return ToolResult(f"Created issue {new.id} in epic {new.parent_id}. {told}", record=record)


def _issue(own: Card, arguments: CreateIssue) -> Card:
    if own.parent_id is None or own.kind not in WORKABLE:
        raise CardError(f"{own.id} belongs to no epic", next_step="Say in a comment which issue is missing.")
    name = " ".join(arguments.name.split())
    return Card(
        id=derived_id(own.parent_id, name),
        kind=CardKind.ISSUE,
        name=name,
        parent_id=own.parent_id,
        rock_id=own.rock_id,
        priority=arguments.priority,
        seat=arguments.seat,
        details={"description": arguments.description},
        depends_on=tuple(dict.fromkeys(arguments.depends_on)),
    )


def _demand_place(tx: Transaction, new: Card, *, limit: int) -> None:
    """Raises: CardError where the epic is full, the name taken, or a dependency is not of this rock."""
    epic = get_card(tx, new.parent_id or "")
    siblings = [each for each in list_cards(tx, parent_id=epic.id) if each.kind in WORKABLE]
    if len(siblings) >= limit and not epic.details.get("architecture"):
        reason = f"the epic {epic.id} has {len(siblings)} issues, and declares no architecture to hold more"
        raise EpicFull(reason, next_step="Ask a person in a comment to cut it into parts, or to split it.")
    if len(siblings) >= FULL:
        raise EpicFull(f"the epic {epic.id} has {len(siblings)} issues", next_step="Ask a person in a comment.")
    if find_card(tx, new.id) or any(each.name == new.name for each in siblings):
        raise CardError(f"there is an issue {new.id} already", next_step=f"Read it: card_context of {new.id}")
    for name in new.depends_on:
        needed = find_card(tx, name)
        if needed is None or needed.rock_id != new.rock_id or needed.kind not in WORKABLE:
            raise CardError(f"{name!r} is no issue of your rock", next_step="See which there are: card_context")


CREATE_ISSUE = Tool(
    "create_issue",
    "Create an issue in the epic of your card, for work that is needed and not part of your own.",
    CreateIssue,
    Reach.STORE,
    _run,
    session_limit=10,
)
