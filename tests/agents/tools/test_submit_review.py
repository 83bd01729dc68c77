from collections.abc import Callable

import pytest

from orket_pipelines.agents.model import Outcome
from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.agents.tools.submit_review import SUBMIT_REVIEW
from orket_pipelines.forge.model import Verdict

Call = Callable[..., ToolResult]


def test_an_approval_ends_the_session(call: Call) -> None:
    assert call(SUBMIT_REVIEW, verdict="approve").outcome == Outcome(verdict=Verdict.APPROVED)


def test_a_request_for_changes_carries_its_body(call: Call) -> None:
    outcome = call(SUBMIT_REVIEW, verdict="request_changes", body="No tests.").outcome
    assert outcome == Outcome(verdict=Verdict.CHANGES_REQUESTED, text="No tests.")


@pytest.mark.parametrize("body", ["", " \n"])
def test_a_request_for_changes_without_a_body_goes_on_and_says_how(call: Call, body: str) -> None:
    result = call(SUBMIT_REVIEW, verdict="request_changes", body=body)
    assert (result.failed, result.outcome) == (True, None)
    assert "say what must change" in result.text
