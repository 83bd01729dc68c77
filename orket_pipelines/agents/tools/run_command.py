"""Run a command in the checkout."""

from pydantic import Field

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.workbench.model import Execution

OUTPUT_LIMIT = 20_000
"""Bytes of one answer; the end is kept, where what failed mostly stands."""
NO_ANSWER = "Standard input is closed: a command that asks a question fails."


class RunCommand(Arguments):
    command: list[str] = Field(
        min_length=1, max_length=500, description='The program and its arguments: ["python", "app.py"]; no shell.'
    )
    timeout_seconds: float | None = Field(None, gt=0, description="Less than what is allowed anyway.")


def _run(desk: Desk, _assignment: Assignment, arguments: RunCommand) -> ToolResult:
    deadline = min(arguments.timeout_seconds or desk.settings.command_timeout, desk.settings.command_timeout)
    result = desk.workbench.run(arguments.command, deadline=deadline, output_limit=OUTPUT_LIMIT)
    return ToolResult(told(result, deadline), failed=not result.succeeded)


def told(result: Execution, deadline: float) -> str:
    """How a command ended, and its output."""
    how = f"exit code {result.exit_code}"
    if result.timed_out:
        how = f"killed: it did not end within {deadline:g} seconds"
    cut = f"; {result.truncated} bytes of output left out in the middle" if result.truncated else ""
    return f"[{how}, {result.seconds:.1f} s{cut}]\n{result.output or '(no output)'}"


RUN_COMMAND = Tool(
    "run_command",
    f"Run a program in the checkout, without a shell. Its exit code and output come back. {NO_ANSWER}",
    RunCommand,
    Reach.CHECKOUT,
    _run,
)
