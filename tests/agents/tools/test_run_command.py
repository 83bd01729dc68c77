from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.run_command import OUTPUT_LIMIT, RUN_COMMAND, RunCommand
from orket_pipelines.settings import load_settings

Call = Callable[..., ToolResult]


def test_a_command_runs_in_the_checkout(call: Call, checkout: Path) -> None:
    (checkout / "a").touch()
    result = call(RUN_COMMAND, command=["ls"])
    assert not result.failed
    assert result.text.startswith("[exit code 0, ")
    assert result.text.endswith(" s]\na\n")


def test_a_command_that_fails_is_a_failure_with_its_output(call: Call) -> None:
    result = call(RUN_COMMAND, command=["sh", "-c", "echo broken >&2; exit 4"])
    assert result.failed
    assert result.text.startswith("[exit code 4, ")
    assert "broken" in result.text


def test_there_is_no_shell(call: Call) -> None:
    assert call(RUN_COMMAND, command=["echo", "$HOME; ls"]).text.endswith("$HOME; ls\n")
    assert "cannot be started" in call(RUN_COMMAND, command=["echo $HOME"]).text


def test_a_shorter_time_may_be_asked_for(call: Call) -> None:
    result = call(RUN_COMMAND, command=["sleep", "30"], timeout_seconds=0.2)
    assert result.failed
    assert result.text.startswith("[killed: it did not end within 0.2 seconds")
    assert result.text.endswith("(no output)")


def test_a_longer_time_is_not_given(desk: Desk, assignment: Assignment) -> None:
    strict = replace(desk, settings=load_settings(command_timeout=0.2))
    arguments = RunCommand(command=["sleep", "30"], timeout_seconds=1_000.0)
    assert "within 0.2 seconds" in RUN_COMMAND.run(strict, assignment, arguments).text


def test_long_output_says_how_much_was_left_out(call: Call) -> None:
    result = call(RUN_COMMAND, command=["sh", "-c", "seq 100000; echo the end"])
    assert "bytes of output left out in the middle" in result.text.splitlines()[0]
    assert result.text.endswith("the end\n")
    assert len(result.text) < OUTPUT_LIMIT + 200
