"""Run the project's tests."""

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Arguments, Desk, Reach, Tool, ToolResult
from orket_pipelines.agents.tools.run_command import OUTPUT_LIMIT, told
from orket_pipelines.cards.model import CardState


class RunTests(Arguments):
    """Nothing to say: which tests there are is the rock's decision."""


def _run(desk: Desk, assignment: Assignment, _arguments: RunTests) -> ToolResult:
    if not assignment.test_command:
        return ToolResult("This project has no test command.", failed=True)
    deadline = desk.settings.test_timeout
    result = desk.workbench.run(assignment.test_command, deadline=deadline, output_limit=OUTPUT_LIMIT)
    verdict = "The tests passed." if result.succeeded else "The tests did not pass."
    return ToolResult(f"{verdict} {told(result, deadline)}", failed=not result.succeeded)


RUN_TESTS = Tool(
    "run_tests",
    "Run the project's tests on the files as they are now. The end of the output, with the failures, is kept.",
    RunTests,
    Reach.CHECKOUT,
    _run,
    # A reviewer may run them too: its checkout is its own, and nothing of it is kept.
    states=frozenset({CardState.IN_PROGRESS, CardState.CODE_REVIEW}),
    session_limit=50,
)
