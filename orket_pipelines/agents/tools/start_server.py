"""Start a server that runs beside the commands, and see what it says first."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.agents.tools.server_output import NAME, follow, told


class StartServer(Arguments):
    name: str = Field(pattern=NAME, description="What you call it: api")
    command: list[str] = Field(min_length=1, max_length=500, description="The program and its arguments; no shell.")
    wait_for: str | None = Field(
        None, min_length=1, max_length=200, description="Wait until it has said this text, such as: listening"
    )
    wait_seconds: float = Field(5, gt=0, le=60, description="How long to wait for that, or for its end.")


def _run(desk: Desk, _assignment: Assignment, arguments: StartServer) -> ToolResult:
    refused = desk.workbench.start_server(arguments.name, arguments.command)
    if refused is not None:
        return ToolResult(f"Not started: {refused}.", failed=True)
    found = follow(desk, arguments.name, seconds=arguments.wait_seconds, text=arguments.wait_for)
    return told(found) if found is not None else ToolResult("It is gone.", failed=True)


START_SERVER = Tool(
    "start_server",
    "Start a server that goes on while you run commands, which reach it on 127.0.0.1. It can read the checkout; it "
    "writes to /dev/shm alone. It ends with your session.",
    StartServer,
    Reach.CHECKOUT,
    _run,
    session_limit=50,
)
