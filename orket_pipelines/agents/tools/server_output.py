"""Ask what a server has said, and whether it still runs."""

import time

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.workbench.servers import Serving

NAME = r"^[a-z][a-z0-9-]{0,30}$"
TICK = 0.05
UNKNOWN = "No server of that name was started, or your session was interrupted since, which ends all of them."


class ServerOutput(Arguments):
    name: str = Field(pattern=NAME, description="As you called it.")
    wait_seconds: float = Field(0, ge=0, le=60, description="Wait so long for its end.")


def _run(desk: Desk, _assignment: Assignment, arguments: ServerOutput) -> ToolResult:
    found = follow(desk, arguments.name, seconds=arguments.wait_seconds, text=None)
    return told(found) if found is not None else ToolResult(UNKNOWN, failed=True)


def follow(desk: Desk, name: str, *, seconds: float, text: str | None) -> Serving | None:
    """How a server stands once it has ended or said `text`, or so many seconds are over."""
    until = time.monotonic() + seconds
    while True:
        found = desk.workbench.servers.find(name)
        if found is None or not found.running or (text is not None and text in found.output):
            return found
        if time.monotonic() >= until or desk.stop.wait(TICK):
            return found


def told(found: Serving) -> ToolResult:
    """How a server stands, and what it has said."""
    how = "running" if found.running else "ended" if found.exit_code is None else f"exit code {found.exit_code}"
    cut = f"; {found.truncated} bytes of output left out in the middle" if found.truncated else ""
    text = f"[{found.name}: {how}{cut}]\n{found.output or '(no output)'}"
    return ToolResult(text, failed=not found.running and found.exit_code not in {0, None})


SERVER_OUTPUT = Tool(
    "server_output",
    "See whether a server that you started still runs, and what it has said.",
    ServerOutput,
    Reach.NOTHING,
    _run,
)
