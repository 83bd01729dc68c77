"""Report a bug of what is built: it becomes an issue of the rock, and is no part of the card at hand."""

from typing import Literal

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.bugs import Finding, FoundIn, Severity, Source, report
from orket_pipelines.cards.model import TERMINAL, CardState
from orket_pipelines.cards.records import get_card
from orket_pipelines.errors import CardError
from orket_pipelines.store import Transaction


class ReportBug(Arguments):
    name: str = Field(
        min_length=1, max_length=200, pattern=r"^[^\r\n]*\S[^\r\n]*$", description="What goes wrong, in one line."
    )
    description: str = Field(
        min_length=1,
        max_length=20_000,
        pattern=r"\S",
        description="How to see it, what you expected, and what came instead.",
    )
    severity: Literal["critical", "major", "minor"] = Field(
        description="critical: it cannot be used; major: something in it does not work; minor: a nuisance."
    )
    seen_in: Literal["checkout", "sandbox"] = Field("checkout", description="Where you saw it.")
    scenario: str | None = Field(None, max_length=500, description="What was tried: a test, a page, a request.")


def _run(desk: Desk, assignment: Assignment, arguments: ReportBug) -> ToolResult:
    with desk.store.read() as tx:
        rock_id = get_card(tx, assignment.card_id).rock_id
    if rock_id is None:
        raise CardError(f"{assignment.card_id} belongs to no rock", next_step="Say in a comment what is wrong.")
    finding = Finding(
        name=arguments.name,
        description=arguments.description,
        severity=Severity(arguments.severity),
        source=Source.AGENT,
        by=assignment.role,
        found_in=_found_in(desk, assignment, arguments, rock_id),
    )

    def record(tx: Transaction) -> None:
        report(tx, rock_id, finding)

    told = "Go on with your own card: it is not part of that."
    return ToolResult(f"Reported to the rock {rock_id}, as {arguments.severity}. {told}", record=record)


def _found_in(desk: Desk, assignment: Assignment, arguments: ReportBug, rock_id: str) -> FoundIn:
    """A rock has one sandbox, which goes by the rock's name."""
    seen = desk.sandbox.status() if arguments.seen_in == "sandbox" and desk.sandbox is not None else None
    if seen is None:
        return FoundIn(assignment.subject_commit, None, arguments.scenario)
    return FoundIn(seen.commit, rock_id, arguments.scenario)


REPORT_BUG = Tool(
    "report_bug",
    "Report a bug of what is built, which your card is not about. It becomes an issue of its own.",
    ReportBug,
    Reach.STORE,
    _run,
    states=frozenset(CardState) - TERMINAL,
    session_limit=5,
)
