"""The scripted model: a pure function of a playbook and the messages so far. It demonstrates and tests the factory and
is labelled wherever its name shows; it is not a language model.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from orket_pipelines.agents.dialects import dialect_of
from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.playbook import Move, Playbook, Scene, load_playbooks
from orket_pipelines.agents.models.prices import free
from orket_pipelines.agents.prompts import read_header
from orket_pipelines.errors import ModelError
from orket_pipelines.settings import SCRIPTED, Settings

NAME = "scripted (no language model)"
USE_A_MODEL = "Add it to the playbook, or let a language model do it: set ORKET_MODEL and ORKET_MODEL_BASE_URL."
SHOWN = 600
"""Characters of what came instead of what was expected that an error shows, from the end."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """The scripted model, whoever is asked for."""

    playbook: Playbook

    @classmethod
    def from_settings(cls, settings: Settings) -> "Scripted":
        """With the playbooks that the settings name, or the examples'. Raises: SettingsError."""
        return cls(load_playbooks(settings))

    def chain(self, name: str | None) -> tuple[str, ...]:
        """The script plays for every model: the header of the conversation says which role it is for."""
        return (name or SCRIPTED,)

    def open(self, name: str) -> LanguageModel:
        """The script, by the name that it is labelled with."""
        del name
        return LanguageModel(NAME, ScriptedModel(self.playbook), free, dialect_of(NAME), connects=False)


class ScriptedModel(Model):
    """Answers turn n of a conversation with move n of the scene that its header names."""

    def __init__(self, playbook: Playbook) -> None:
        super().__init__()
        self._playbook = playbook

    @property
    def model_name(self) -> str:
        """Labelled, so that nobody takes it for a language model."""
        return NAME

    @property
    def system(self) -> str:
        """The provider: none."""
        return SCRIPTED

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The scripted answer. Raises: ModelError where the script has none, or expected to be told something else."""
        del model_settings, model_request_parameters
        header = read_header(_first_words(messages))
        scene = self._scene(header)
        turn = sum(isinstance(message, ModelResponse) for message in messages)
        where = " ".join(header[key] for key in ("card", "role", "purpose", "visit"))
        if turn >= len(scene.turns):
            raise ModelError(
                f"the script of {where} is over after {turn} turns, and nothing ended it", next_step=USE_A_MODEL
            )
        move = scene.turns[turn]
        _check(move, where, turn, _last_words(messages))
        return ModelResponse(parts=_parts(move, f"{where} {turn + 1}"), model_name=NAME, provider_name=SCRIPTED)

    def _scene(self, header: dict[str, str]) -> Scene:
        try:
            scene = self._playbook.scene(header["card"], header["role"], header["purpose"], int(header["visit"]))
        except (KeyError, ValueError) as error:
            raise ModelError(
                "the scripted model was asked without a header that names card, role and purpose"
            ) from error
        if scene is None:
            called = f"{header['role']} called to {header['card']} for {header['purpose']}, visit {header['visit']}"
            raise ModelError(f"no playbook has a script for {called}", next_step=USE_A_MODEL)
        return scene


def _check(move: Move, where: str, turn: int, told: str) -> None:
    if move.expect is not None and move.expect not in told:
        came = told if len(told) <= SHOWN else f"…{told[-SHOWN:]}"
        raise ModelError(
            f"the script of {where} expected {move.expect!r} before turn {turn + 1}, and this came: {came}",
            next_step="Correct the playbook, or what it builds on; then run the same command again.",
        )


def _parts(move: Move, where: str) -> list[ModelResponsePart]:
    """The words and the calls, whose ids say where they come from and are the same every time."""
    words: list[ModelResponsePart] = [TextPart(move.say)] if move.say else []
    calls = [(tool, arguments) for call in move.calls for tool, arguments in call.items()]
    prefix = "-".join(where.split())
    return words + [
        ToolCallPart(tool, dict(given), f"{prefix}-{at}") for at, (tool, given) in enumerate(calls, start=1)
    ]


def _first_words(messages: Sequence[ModelMessage]) -> str:
    """What the conversation begins with, apart from the system's text."""
    prompts = (part.content for part in messages[0].parts if isinstance(part, UserPromptPart))
    return next((prompt for prompt in prompts if isinstance(prompt, str)), "")


def _last_words(messages: Sequence[ModelMessage]) -> str:
    """What the model was told last: the results of its calls, or the first prompt."""
    last = messages[-1]
    if not isinstance(last, ModelRequest):
        return ""
    return "\n".join(str(part.content) for part in last.parts if isinstance(part, ToolReturnPart | UserPromptPart))
