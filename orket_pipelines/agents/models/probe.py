"""Whether a model is able enough: one real tool call, as every turn of a session needs it."""

import threading
from dataclasses import dataclass

from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, ToolCallPart, UserPromptPart
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents.models.conversation import Conversation
from orket_pipelines.agents.models.model import Models
from orket_pipelines.agents.models.text_calls import MARK
from orket_pipelines.clock import Clock
from orket_pipelines.settings import Settings

TOOL = ToolDefinition(
    name="report_sum",
    description="Report a sum.",
    parameters_json_schema={
        "type": "object",
        "properties": {"sum": {"type": "integer"}, "terms": {"type": "array", "items": {"type": "integer"}}},
        "required": ["sum", "terms"],
        "additionalProperties": False,
    },
)
QUESTION = "Add 17 and 25. Report the sum and both terms, in this order, with one call of the tool report_sum."
EXPECTED = {"sum": 42, "terms": [17, 25]}
SAID = 200
"""Characters of the words of a model that called nothing."""


@dataclass(frozen=True, slots=True)
class Ability:
    """What came of the one call. `cost` is in USD, None where the price is not known."""

    model: str
    able: bool
    told: str
    seconds: float
    input_tokens: int
    output_tokens: int
    cost: float | None

    @property
    def used(self) -> str:
        """What it took, for people."""
        cost = "price unknown" if self.cost is None else f"${self.cost:.6f}"
        return f"{self.input_tokens} tokens in, {self.output_tokens} out, {cost}, {self.seconds:.1f} s"


def probe(models: Models, name: str, settings: Settings, clock: Clock) -> Ability:
    """Ask the model of this name, and nobody who stands in for it. Raises: ModelError where it gives no answer."""
    model = models.open(name)
    question = ModelRequest(parts=[SystemPromptPart("Answer with tool calls alone."), UserPromptPart(QUESTION)])
    begun = clock.monotonic()
    with Conversation(model, [TOOL], settings, threading.Event()) as conversation:
        answer = conversation.ask([question])
    able, told = judge(answer)
    used = answer.usage
    seconds = round(clock.monotonic() - begun, 3)
    return Ability(name, able, told, seconds, used.input_tokens, used.output_tokens, model.price(used))


def judge(answer: ModelResponse) -> tuple[bool, str]:
    """Whether this is the call that was asked for, and what is to be said of it."""
    calls = [part for part in answer.parts if isinstance(part, ToolCallPart)]
    if not calls:
        words = " ".join((answer.text or "").split())[:SAID] or "nothing"
        return False, f"it called no tool, and said: {words}"
    if len(calls) > 1 or calls[0].tool_name != TOOL.name:
        return False, f"it was to call {TOOL.name} once, and called: {', '.join(call.tool_name for call in calls)}"
    given = calls[0].args_as_dict()
    if given != EXPECTED:
        return False, f"it called {TOOL.name} with {given}, and not with {EXPECTED}"
    if (answer.metadata or {}).get(MARK):
        return True, "it printed the call as text, which its dialect has us read"
    return True, "it called the tool as it was asked to"
