from collections.abc import Callable

from orket_pipelines.agents.tools import server_output
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.server_output import SERVER_OUTPUT

Call = Callable[..., ToolResult]


def test_a_server_is_asked_what_it_has_said(call: Call, desk: Desk) -> None:
    assert desk.workbench.start_server("api", ["sh", "-c", "echo one; exit 3"]) is None
    found = call(SERVER_OUTPUT, name="api", wait_seconds=20.0)
    assert found == ToolResult("[api: exit code 3]\none\n", failed=True)


def test_a_server_that_is_not_there_is_told_and_why_that_may_be(call: Call) -> None:
    assert call(SERVER_OUTPUT, name="api") == ToolResult(server_output.UNKNOWN, failed=True)


def test_long_output_says_how_much_was_left_out(call: Call, desk: Desk) -> None:
    assert desk.workbench.start_server("api", ["seq", "100000"]) is None
    told = call(SERVER_OUTPUT, name="api", wait_seconds=20.0).text
    assert "bytes of output left out in the middle]" in told.splitlines()[0]
    assert told.endswith("100000\n")
