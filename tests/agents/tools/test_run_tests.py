from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.run_tests import RUN_TESTS, RunTests

Call = Callable[..., ToolResult]


def test_tests_that_pass_pass(call: Call, checkout: Path) -> None:
    (checkout / "tests.sh").write_text("echo 3 passed")
    result = call(RUN_TESTS)
    assert not result.failed
    assert result.text.startswith("The tests passed. [exit code 0, ")
    assert result.text.endswith("3 passed\n")


def test_the_failures_at_the_end_are_kept(call: Call, checkout: Path) -> None:
    (checkout / "tests.sh").write_text("seq 100000; echo FAILED test_a; exit 1")
    result = call(RUN_TESTS)
    assert result.failed
    assert result.text.startswith("The tests did not pass. [exit code 1, ")
    assert result.text.endswith("FAILED test_a\n")


def test_a_project_without_a_test_command_says_so(desk: Desk, assignment: Assignment) -> None:
    result = RUN_TESTS.run(desk, replace(assignment, test_command=()), RunTests())
    assert result == ToolResult("This project has no test command.", failed=True)
