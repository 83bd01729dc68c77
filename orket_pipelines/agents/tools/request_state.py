"""Ask for the next state of the card, which ends the session; delivery checks, and moves the card."""

from typing import Literal

from pydantic import Field

from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import CardState, WaitReason


class RequestState(Arguments):
    state: Literal["ready_for_testing", "blocked", "waiting_for_developer"]
    summary: str = Field(
        min_length=1, max_length=20_000, pattern=r"\S", description="What was done, or what is missing."
    )
    wait_reason: Literal["resource", "dependency", "review", "input", "system"] | None = Field(
        None, description="Needed for blocked and waiting_for_developer: what it waits for."
    )


def _run(_desk: Desk, assignment: Assignment, arguments: RequestState) -> ToolResult:
    state = CardState(arguments.state)
    reason = WaitReason(arguments.wait_reason) if arguments.wait_reason else None
    outcome = Outcome(request=state, wait_reason=reason, text=arguments.summary)
    return ToolResult(f"Requested {state} for {assignment.card_id}.", outcome=outcome)


REQUEST_STATE = Tool(
    "request_state",
    "Say that your work on the card is ready for testing, or that it must wait and for what. This ends your session.",
    RequestState,
    Reach.SESSION,
    _run,
    session_limit=20,
)
