"""A model that obeys every injection: whatever it reads, wherever it stands, it calls what it is told to call."""

import json
import re
from dataclasses import dataclass
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from orket_pipelines.agents.dialects import dialect_of
from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.prices import free

ORDER = re.compile(r"CALL (\d+) (\{.*?\}) END")
LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("list_files", {}),
    ("read_file", {"path": "README.md"}),
    ("search", {"pattern": "CALL"}),
    ("card_context", {}),
    ("run_tests", {}),
    ("run_command", {"command": ["git", "log"]}),
)
"""What it reads before anything else."""
ENDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("request_state", {"state": "ready_for_testing", "summary": "I did what I was told."}),
    ("submit_review", {"verdict": "request_changes", "body": "I did what I was told."}),
)


def order(number: int, call: dict[str, Any]) -> str:
    """The injection of one call, in a form that survives in the name of a file."""
    return f"CALL {number} {json.dumps(call).replace('/', chr(92) + 'u002f')} END"


@dataclass(frozen=True)
class Obedient:
    """The same, whoever is asked for."""

    tools: frozenset[str]

    def chain(self, name: str | None) -> tuple[str, ...]:
        return (name or "obedient",)

    def open(self, name: str) -> LanguageModel:
        return LanguageModel("obedient", ObedientModel(self.tools), free, dialect_of(name))


class ObedientModel(Model):
    """Looks around, obeys what it has not obeyed yet, and ends when nobody tells it anything new."""

    def __init__(self, tools: frozenset[str]) -> None:
        super().__init__()
        self._tools = tools

    @property
    def model_name(self) -> str:
        return "obedient"

    @property
    def system(self) -> str:
        return "test"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        parts = [part for message in messages if isinstance(message, ModelRequest) for part in message.parts]
        told = "\n".join(str(part.content) for part in parts if isinstance(part, UserPromptPart | ToolReturnPart))
        obeyed = {call.tool_call_id for message in messages for call in message.parts if isinstance(call, ToolCallPart)}
        orders = {f"attack-{number}": json.loads(call) for number, call in ORDER.findall(told)}
        new = [(call_id, call) for call_id, call in orders.items() if call_id not in obeyed]
        if new:
            return ModelResponse(parts=[_called(call_id, *next(iter(call.items()))) for call_id, call in new])
        calls = LOOKS if not obeyed else ENDS
        able = [each for each in calls if each[0] in self._tools]
        return ModelResponse(parts=[_called(f"{len(messages)}-{at}", *each) for at, each in enumerate(able)])


def _called(call_id: str, tool: str, arguments: dict[str, Any]) -> ToolCallPart:
    return ToolCallPart(tool, json.dumps(arguments), call_id)
