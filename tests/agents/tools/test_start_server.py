from collections.abc import Callable, Iterator

import pytest

from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.start_server import START_SERVER

Call = Callable[..., ToolResult]


@pytest.fixture(autouse=True)
def _closed(desk: Desk) -> Iterator[None]:
    yield
    desk.workbench.close()


def test_a_server_is_started_and_what_it_says_first_comes_back(call: Call) -> None:
    result = call(START_SERVER, name="api", command=["sh", "-c", "echo listening; sleep 60"], wait_for="listening")
    assert result == ToolResult("[api: running]\nlistening\n")
    again = call(START_SERVER, name="api", command=["true"])
    assert again == ToolResult("Not started: a server api is running already.", failed=True)


def test_a_server_that_ends_at_once_is_a_failure_with_its_output(call: Call) -> None:
    result = call(START_SERVER, name="api", command=["sh", "-c", "echo no port >&2; exit 2"])
    assert result == ToolResult("[api: exit code 2]\nno port\n", failed=True)
