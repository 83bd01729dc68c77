from collections.abc import Callable

from orket_pipelines.agents.tools import server_output
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.stop_server import STOP_SERVER

Call = Callable[..., ToolResult]


def test_a_server_that_is_stopped_is_gone(call: Call, desk: Desk) -> None:
    assert desk.workbench.start_server("api", ["sleep", "60"]) is None
    assert call(STOP_SERVER, name="api") == ToolResult("[api: ended]\n(no output)")
    found = desk.workbench.servers.find("api")
    assert found is not None
    assert not found.running


def test_a_server_that_is_not_there_is_told(call: Call) -> None:
    assert call(STOP_SERVER, name="api") == ToolResult(server_output.UNKNOWN, failed=True)
