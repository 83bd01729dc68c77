from collections.abc import Callable

from orket_pipelines.agents.model import Outcome
from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.agents.tools.submit_guidance import SUBMIT_GUIDANCE

Call = Callable[..., ToolResult]


def test_guidance_ends_the_session_with_its_text(call: Call) -> None:
    outcome = call(SUBMIT_GUIDANCE, body="Split the module.").outcome
    assert outcome == Outcome(guidance=True, text="Split the module.")
