"""Conversations with real models, recorded and replayed: the same question to the same model has the same answer.

One JSON file a question and answer: `<folder>/<model>/<key>.json`. The key is a hash of everything that a server sees:
the model's name, the messages, the tools' full schemas, the settings. Times, durations, commits and ids differ from run
to run and are left out of it.
"""

import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from orket_pipelines.agents.redaction import Redact
from orket_pipelines.agents.stuck import PASSING
from orket_pipelines.errors import ModelError

TOLD_APART = ("part_kind", "content", "tool_name", "args", "tool_call_id")
"""What of a part of a message makes the question; the rest is when it was said, and by which run."""
WAITING = ("timeout", "request_timeout", "first_event_timeout", "max_retries")
"""Settings of ours that no server sees."""
IDENTIFIER = re.compile(r"\b[0-9a-f]{7,64}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
KEY = 24
"""Characters of the hash that name a file."""


@dataclass(frozen=True, slots=True)
class Question:
    """All that a server sees of one request, as JSON, and the key that follows from it."""

    model: str
    seen: dict[str, Any]

    @property
    def key(self) -> str:
        """The same for the same question."""
        return hashlib.sha256(json.dumps(self.seen, sort_keys=True).encode()).hexdigest()[:KEY]


def ask_about(
    model: str, messages: list[ModelMessage], parameters: ModelRequestParameters, settings: ModelSettings | None
) -> Question:
    """The question that a request puts to the model of this name on its server."""
    numbers: dict[str, str] = {}
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters_json_schema}
        for tool in parameters.function_tools
    ]
    said = ModelMessagesTypeAdapter.dump_python(messages, mode="json")
    scrubbed = [{"kind": each["kind"], "parts": [_scrubbed(part, numbers) for part in each["parts"]]} for each in said]
    sent = {name: value for name, value in (settings or {}).items() if name not in WAITING}
    return Question(model, {"model": model, "messages": scrubbed, "tools": tools, "settings": sent})


@dataclass(frozen=True, slots=True)
class Recording:
    """A folder of questions and answers. What is written is redacted."""

    folder: Path
    redact: Redact

    def keep(self, question: Question, answer: ModelResponse) -> None:
        """Write an answer down; a file is there whole or not at all."""
        file = self._file(question)
        file.parent.mkdir(parents=True, exist_ok=True)
        (said,) = ModelMessagesTypeAdapter.dump_python([answer], mode="json")
        text = json.dumps({"question": question.seen, "answer": said}, indent=1)
        descriptor, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(self.redact(text))
        Path(name).replace(file)

    def find(self, question: Question) -> ModelResponse:
        """The answer that was given. Raises: ModelError where none is recorded; nobody else is asked."""
        file = self._file(question)
        try:
            (answer,) = ModelMessagesTypeAdapter.validate_python([json.loads(file.read_text())["answer"]])
        except FileNotFoundError as error:
            raise ModelError(
                f"no answer of {question.model} to this question is recorded: {file} is not there",
                next_step="Record it: the same command without ORKET_MODEL_REPLAY asks the model.",
            ) from error
        except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
            raise ModelError(f"{file}: cannot be read: {error}", next_step=f"Delete {file}, and record it.") from error
        if not isinstance(answer, ModelResponse):
            raise ModelError(f"{file}: holds no answer", next_step=f"Delete {file}, and record it.")
        return answer

    def _file(self, question: Question) -> Path:
        return self.folder / re.sub(r"[^\w.-]+", "-", question.model) / f"{question.key}.json"


class ReplayedModel(Model):
    """Gives the recorded answers of a model; it has no connection to any server."""

    def __init__(self, name: str, recording: Recording) -> None:
        super().__init__()
        self._name = name
        self._recording = recording

    @property
    def model_name(self) -> str:
        """Of the model that was recorded."""
        return self._name

    @property
    def system(self) -> str:
        """The provider: none."""
        return "recording"

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The recorded answer. Raises: ModelError where there is none."""
        return self._recording.find(ask_about(self._name, messages, model_request_parameters, model_settings))


def _scrubbed(part: dict[str, Any], numbers: dict[str, str]) -> dict[str, Any]:
    kept = {name: part[name] for name in TOLD_APART if part.get(name) is not None}
    if "tool_call_id" in kept:
        kept["tool_call_id"] = numbers.setdefault(kept["tool_call_id"], f"call-{len(numbers) + 1}")
    if isinstance(kept.get("content"), str):
        kept["content"] = IDENTIFIER.sub("…", PASSING.sub("…", kept["content"]))
    return kept
