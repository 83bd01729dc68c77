"""Read what the services of the rock's sandbox said last."""

from pydantic import Field

from orket_pipelines.agents.fences import fence
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.agents.tools.sandbox_status import NOTHING
from orket_pipelines.cards.model import CardState

LONGEST = 20_000
"""Characters of one answer, shared by the services; of each the end is kept."""


class SandboxLogs(Arguments):
    service: str | None = Field(None, max_length=100, description="Only this one, of those that sandbox_status names.")
    lines: int = Field(100, ge=1, le=1_000, description="Of each service, from the end.")


def _run(desk: Desk, _assignment: Assignment, arguments: SandboxLogs) -> ToolResult:
    said = desk.sandbox.logs(tail=arguments.lines) if desk.sandbox is not None else {}
    if not said:
        return ToolResult(NOTHING)
    if arguments.service is not None:
        if arguments.service not in said:
            known = ", ".join(sorted(said))
            return ToolResult(f"There is no service of that name. Call again with one of: {known}.", failed=True)
        said = {arguments.service: said[arguments.service]}
    share = LONGEST // len(said)
    return ToolResult("\n\n".join(fence(f"log of {name}", _end(text, share)) for name, text in said.items()))


def _end(text: str, limit: int) -> str:
    if not text.strip():
        return "(nothing was said)"
    if len(text) <= limit:
        return text
    return f"[the first {len(text) - limit} characters are left out: ask for fewer lines]\n{text[-limit:]}"


SANDBOX_LOGS = Tool(
    "sandbox_logs",
    "Read the last lines that the services of the rock's sandbox said.",
    SandboxLogs,
    Reach.NOTHING,
    _run,
    states=frozenset(CardState),
)
