"""Tell the author how to go on, which ends the session."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult


class SubmitGuidance(Arguments):
    body: str = Field(min_length=1, max_length=50_000, pattern=r"\S", description="What the author should do, and why.")


def _run(_desk: Desk, assignment: Assignment, arguments: SubmitGuidance) -> ToolResult:
    outcome = Outcome(guidance=True, text=arguments.body)
    return ToolResult(f"Gave guidance on {assignment.card_id}.", outcome=outcome)


SUBMIT_GUIDANCE = Tool(
    "submit_guidance",
    "Give the author guidance on the approach to take. This ends your session.",
    SubmitGuidance,
    Reach.SESSION,
    _run,
    session_limit=20,
)
