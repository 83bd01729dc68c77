"""Comment on the card."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import TERMINAL, CardState
from orket_pipelines.cards.records import add_comment


class Comment(Arguments):
    body: str = Field(min_length=1, max_length=20_000, pattern=r"\S")


def _run(_desk: Desk, assignment: Assignment, arguments: Comment) -> ToolResult:
    return ToolResult(
        f"Commented on {assignment.card_id}.",
        record=lambda tx: add_comment(tx, assignment.card_id, assignment.role, arguments.body),
    )


COMMENT = Tool(
    "comment",
    "Leave a comment on the card, for people and for whoever works on it next.",
    Comment,
    Reach.STORE,
    _run,
    states=frozenset(CardState) - TERMINAL,
    # One that talks to itself is stopped early.
    session_limit=20,
)
