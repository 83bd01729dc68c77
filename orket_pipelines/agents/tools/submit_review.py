"""Decide a review, which ends the session."""

from typing import Literal

from pydantic import Field

from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import CardState
from orket_pipelines.forge.model import Verdict


class SubmitReview(Arguments):
    verdict: Literal["approve", "request_changes"]
    body: str = Field("", max_length=50_000, description="Needed to request changes: what must change, and why.")


def _run(_desk: Desk, assignment: Assignment, arguments: SubmitReview) -> ToolResult:
    approved = arguments.verdict == "approve"
    if not approved and not arguments.body.strip():
        return ToolResult("Changes without a body help nobody. Call again and say what must change.", failed=True)
    verdict = Verdict.APPROVED if approved else Verdict.CHANGES_REQUESTED
    done = "Approved" if approved else "Requested changes of"
    return ToolResult(f"{done} {assignment.card_id}.", outcome=Outcome(verdict=verdict, text=arguments.body))


SUBMIT_REVIEW = Tool(
    "submit_review",
    "Approve the commit under review, or request changes of it. This ends your session.",
    SubmitReview,
    Reach.SESSION,
    _run,
    states=frozenset({CardState.CODE_REVIEW}),
    session_limit=20,
)
