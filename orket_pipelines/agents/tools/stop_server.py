"""Stop a server."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.agents.tools.server_output import NAME, UNKNOWN, told


class StopServer(Arguments):
    name: str = Field(pattern=NAME, description="As you called it.")


def _run(desk: Desk, _assignment: Assignment, arguments: StopServer) -> ToolResult:
    stopped = desk.workbench.servers.stop(arguments.name)
    return told(stopped) if stopped is not None else ToolResult(UNKNOWN, failed=True)


STOP_SERVER = Tool(
    "stop_server",
    "Stop a server that you started, with everything it started; its last output comes back.",
    StopServer,
    Reach.CHECKOUT,
    _run,
)
