from collections.abc import Callable

import pytest

from orket_pipelines.agents.model import Outcome
from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.agents.tools.request_state import REQUEST_STATE
from orket_pipelines.cards.model import CardState, WaitReason

Call = Callable[..., ToolResult]


def test_finished_work_asks_for_testing_and_ends_the_session(call: Call) -> None:
    result = call(REQUEST_STATE, state="ready_for_testing", summary="Added it.")
    assert result == ToolResult(
        "Requested ready_for_testing for ISSUE-1.",
        outcome=Outcome(request=CardState.READY_FOR_TESTING, text="Added it."),
    )


@pytest.mark.parametrize("state", ["blocked", "waiting_for_developer"])
def test_waiting_ends_the_session_with_its_reason(call: Call, state: str) -> None:
    result = call(REQUEST_STATE, state=state, summary="Which port?", wait_reason="input")
    assert result.outcome == Outcome(request=CardState(state), wait_reason=WaitReason.INPUT, text="Which port?")
