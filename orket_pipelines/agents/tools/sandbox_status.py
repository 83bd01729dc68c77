"""Look how what was merged runs."""

from orket_pipelines.agents.fences import fence
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.cards.model import CardState

NOTHING = "Nothing is deployed: the rock's sandbox begins with its first merge, and ends with its bug-fix phase."
NOTE = 4_000
"""Characters of why it does not run, from the end."""


class SandboxStatus(Arguments):
    """Nothing to say: a rock has one sandbox."""


def _run(desk: Desk, _assignment: Assignment, _arguments: SandboxStatus) -> ToolResult:
    found = desk.sandbox.status() if desk.sandbox is not None else None
    if found is None:
        return ToolResult(NOTHING)
    services = ", ".join(found.services) or "none"
    stands = f"The sandbox is {found.state}, at commit {found.commit[:12]} (deployment {found.generation})."
    note = f"\n{fence('what it says of itself', found.note[-NOTE:])}" if found.note else ""
    meanwhile = f" {found.meanwhile}" if found.meanwhile else ""
    return ToolResult(f"{stands}{meanwhile} Services: {services}.{note}")


SANDBOX_STATUS = Tool(
    "sandbox_status",
    "See whether the rock's sandbox, where what was merged runs, is up, at which commit, with which services.",
    SandboxStatus,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
