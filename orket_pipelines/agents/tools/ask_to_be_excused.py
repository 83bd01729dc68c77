"""Hand the card back to a person, which ends the session: this role cannot or should not do it."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import CardState, WaitReason


class AskToBeExcused(Arguments):
    reason: str = Field(
        min_length=1, max_length=5_000, pattern=r"\S", description="Why you should not do this, and who could."
    )


def _run(_desk: Desk, assignment: Assignment, arguments: AskToBeExcused) -> ToolResult:
    text = f"{assignment.role} asks to be excused: {arguments.reason.strip()}"
    outcome = Outcome(request=CardState.WAITING_FOR_DEVELOPER, wait_reason=WaitReason.INPUT, text=text)
    return ToolResult(f"{assignment.card_id} waits for a person, who hears your reason.", outcome=outcome)


ASK_TO_BE_EXCUSED = Tool(
    "ask_to_be_excused",
    "Give the card to a person because it is not for you (a skill or a right you lack, a conflict). Ends your session.",
    AskToBeExcused,
    Reach.STORE,
    _run,
    states=frozenset({CardState.IN_PROGRESS, CardState.CODE_REVIEW}),
    session_limit=20,
)
