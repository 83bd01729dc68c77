from collections.abc import Callable

from orket_pipelines.agents.model import Outcome
from orket_pipelines.agents.tools.ask_to_be_excused import ASK_TO_BE_EXCUSED
from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.cards.model import CardState, WaitReason

Call = Callable[..., ToolResult]


def test_a_role_that_asks_to_be_excused_leaves_the_card_to_a_person_with_the_reason(call: Call) -> None:
    assert call(ASK_TO_BE_EXCUSED, reason="It is about payroll. ").outcome == Outcome(
        request=CardState.WAITING_FOR_DEVELOPER,
        wait_reason=WaitReason.INPUT,
        text="coder asks to be excused: It is about payroll.",
    )
