"""Real conversations are recorded and replayed; what was not recorded fails and reaches no server."""

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents.models import open_models
from orket_pipelines.agents.models.conversation import Conversation
from orket_pipelines.agents.models.recording import ask_about
from orket_pipelines.errors import ModelError, SettingsError
from orket_pipelines.settings import Settings

if TYPE_CHECKING:
    from tests.agents.conftest import ProtocolServer

pytestmark = pytest.mark.slow
KEY = "sk-a-secret-of-this-test"


def tool(description: str = "Read a file.", **properties: Any) -> ToolDefinition:
    schema = {"type": "object", "properties": properties}
    return ToolDefinition(name="read_file", description=description, parameters_json_schema=schema)


def conversation(result: str = "1 passed", call_id: str = "a") -> list[ModelMessage]:
    return [
        ModelRequest(parts=[UserPromptPart("Test it.")]),
        ModelResponse(parts=[ToolCallPart("run_tests", {}, call_id)]),
        ModelRequest(parts=[ToolReturnPart("run_tests", result, call_id)]),
    ]


def key(
    messages: list[ModelMessage], tools: list[ToolDefinition], settings: ModelSettings | None = None, model: str = "m"
) -> str:
    return ask_about(model, messages, ModelRequestParameters(function_tools=tools), settings).key


def test_ids_times_and_commits_do_not_make_another_question() -> None:
    first = conversation("1 passed in 0.31s at 12:00:01, commit 0123456789ab", "call-1")
    again = conversation("1 passed in 2.07s at 13:30:59, commit ba9876543210", "call-2")
    assert key(first, [tool()]) == key(again, [tool()])
    assert key(first, [tool()], {"timeout": 1.0}) == key(again, [tool()], {"timeout": 2.0})


def test_words_model_settings_and_the_tools_whole_schemas_do() -> None:
    keys = {
        key(conversation(), [tool()]),
        key(conversation("2 passed"), [tool()]),
        key(conversation(), [tool()], model="n"),
        key(conversation(), [tool()], {"max_tokens": 100}),
        key(conversation(), [tool("Reads a file.")]),
        key(conversation(), [tool(path={"type": "string"})]),
        key(conversation(), []),
    }
    assert len(keys) == 7


def ask(settings: Settings, question: str) -> ModelResponse:
    model = open_models(settings).open(settings.model)
    with Conversation(model, [tool()], settings, threading.Event()) as talk:
        return talk.ask([ModelRequest(parts=[UserPromptPart(question)])])


def test_a_recorded_conversation_is_replayed_and_a_miss_reaches_no_server(
    server: "ProtocolServer", tmp_path: Path
) -> None:
    given: dict[str, Any] = {"model": "local/m", "model_base_url": server.url, "model_api_key": KEY}
    server.answers(f"I know {KEY}.", read_file={"path": "a"})
    recorded = ask(Settings(**given, model_recording=tmp_path), "What is in a?")
    (file,) = tmp_path.glob("local-m/*.json")
    assert KEY not in file.read_text()
    assert json.loads(file.read_text())["question"]["tools"][0]["parameters"]["type"] == "object"

    replayed = Settings(**given, model_recording=tmp_path, model_replay=True)
    answer = ask(replayed, "What is in a?")
    assert answer.parts[1] == recorded.parts[1]
    assert answer.usage.input_tokens == 100
    with pytest.raises(ModelError, match="no answer of local/m to this question is recorded") as caught:
        ask(replayed, "What is in b?")
    assert "ORKET_MODEL_REPLAY" in caught.value.next_step
    assert len(server.requests) == 1

    file.write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        ask(replayed, "What is in a?")


def test_to_replay_takes_a_recording() -> None:
    with pytest.raises(SettingsError, match="there is no recording to replay"):
        open_models(Settings(model="m", model_base_url="http://127.0.0.1:9/v1", model_replay=True))
