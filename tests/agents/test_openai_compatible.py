"""Any OpenAI-compatible server, well-behaved or not: every bad end is bounded in time and one clear line."""

import socket
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents import run_session
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.models import open_models
from orket_pipelines.agents.models.conversation import Conversation, ConversationTooLong
from orket_pipelines.agents.records import calls_of, list_sessions, turns_of
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import CardState
from orket_pipelines.errors import ModelError, SettingsError, Stopped
from orket_pipelines.settings import Settings

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.agents.conftest import ProtocolServer

READ = ToolDefinition(
    name="read_file",
    description="Read a file.",
    parameters_json_schema={"type": "object", "properties": {"path": {"type": "string"}}},
)
QUESTION = [ModelRequest(parts=[UserPromptPart("What is in README.md?")])]
KEY = "sk-a-secret-of-this-test"


def settings_for(server: "ProtocolServer", **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "model": "local-model",
        "model_base_url": server.url,
        "model_api_key": KEY,
        "isolation": "process",
        "model_connect_timeout": 2.0,
        "model_first_token_timeout": 5.0,
        "model_turn_timeout": 10.0,
        "model_retries": 2,
        "model_retry_wait": 0.01,
        "model_retry_wait_limit": 0.2,
    }
    return Settings(**(given | changes))


def ask(settings: Settings, stop: threading.Event | None = None) -> ModelResponse:
    model = open_models(settings).open(settings.model)
    with Conversation(model, [READ], settings, stop or threading.Event()) as conversation:
        return conversation.ask(QUESTION)


@pytest.mark.parametrize("streaming", [True, False])
def test_words_and_tool_calls_arrive_with_their_usage(server: "ProtocolServer", streaming: bool) -> None:
    server.answers("I read it.", read_file={"path": "README.md"})
    response = ask(settings_for(server, model_streaming=streaming))
    words, call = response.parts
    assert isinstance(words, TextPart)
    assert isinstance(call, ToolCallPart)
    assert words.content.strip() == "I read it."
    assert (call.tool_name, call.args_as_dict(), call.tool_call_id) == ("read_file", {"path": "README.md"}, "call-0")
    assert (response.usage.input_tokens, response.usage.output_tokens) == (100, 20)
    assert server.requests[0].get("stream", False) is streaming
    assert server.requests[0]["tools"][0]["function"]["name"] == "read_file"
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_a_server_that_needs_no_key_is_not_sent_somebody_elses(
    server: "ProtocolServer", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-another-server")
    server.answers("hello")
    ask(settings_for(server, model_api_key=None))
    assert "sk-for-another-server" not in str(server.headers)


def test_a_busy_server_is_asked_again_after_the_time_it_names(server: "ProtocolServer") -> None:
    server.refuses(429, "slow down", Retry_After="1")
    server.answers("hello")
    started = time.monotonic()
    ask(settings_for(server, model_retry_wait_limit=5.0))
    assert len(server.requests) == 2
    assert time.monotonic() - started >= 1


def test_a_busy_server_that_asks_for_an_hour_is_not_given_it(server: "ProtocolServer") -> None:
    server.refuses(429, "come back later", Retry_After="3600")
    started = time.monotonic()
    refused = r"^local-model gave no usable answer \(3 tries\): HTTP 429: come back later$"
    with pytest.raises(ModelError, match=refused) as caught:
        ask(settings_for(server))
    assert caught.value.next_step.startswith("Wait, or ask less at once")
    assert time.monotonic() - started < 5
    assert len(server.requests) == 3


def test_a_failing_server_is_asked_again(server: "ProtocolServer") -> None:
    server.refuses(500)
    server.refuses(503)
    server.answers("hello")
    ask(settings_for(server))
    assert len(server.requests) == 3


def test_a_server_that_keeps_failing_ends_in_one_line(server: "ProtocolServer") -> None:
    server.refuses(500, "boom")
    with pytest.raises(ModelError, match=r"^local-model gave no usable answer \(3 tries\): HTTP 500: boom$") as caught:
        ask(settings_for(server))
    assert "ORKET_MODEL_BASE_URL" in caught.value.next_step


@pytest.mark.parametrize(
    ("status", "step"), [(401, "ORKET_MODEL_API_KEY"), (403, "ORKET_MODEL_API_KEY"), (404, "ORKET_MODEL")]
)
def test_a_refusal_that_will_not_pass_is_not_repeated(server: "ProtocolServer", status: int, step: str) -> None:
    server.refuses(status, f"not with {KEY}")
    with pytest.raises(
        ModelError, match=rf"^local-model gave no usable answer: HTTP {status}: not with \[redacted\]$"
    ) as e:
        ask(settings_for(server))
    assert step in e.value.next_step
    assert len(server.requests) == 1


def test_a_silent_server_is_given_up_at_the_first_token(server: "ProtocolServer") -> None:
    server.hangs()
    with pytest.raises(ModelError, match=r"\(2 tries\): the first token did not come within 0.3 s$"):
        ask(settings_for(server, model_first_token_timeout=0.3, model_retries=1))


def test_a_silent_server_is_given_up_without_streaming_too(server: "ProtocolServer") -> None:
    server.hangs()
    with pytest.raises(ModelError, match=r"the whole answer did not come within 0.3 s$"):
        ask(settings_for(server, model_turn_timeout=0.3, model_retries=0, model_streaming=False))


def test_a_dripping_server_is_given_up_when_the_turn_is_over(server: "ProtocolServer") -> None:
    server.drips()
    with pytest.raises(ModelError, match=r"the whole answer did not come within 0.5 s$"):
        ask(settings_for(server, model_turn_timeout=0.5, model_retries=0))


@pytest.mark.parametrize("body", [b'{"id": "c1", "choi', b"<html>Bad gateway</html>", b"[1, 2]", b"{}", b"", b"null"])
@pytest.mark.parametrize("streaming", [True, False])
def test_an_answer_that_cannot_be_read_ends_in_one_line(server: "ProtocolServer", body: bytes, streaming: bool) -> None:
    server.sends(
        b"data: " + body + b"\n\n" if streaming else body, "text/event-stream" if streaming else "application/json"
    )
    with pytest.raises(ModelError, match=r"^local-model gave no usable answer \(3 tries\): .+") as caught:
        ask(settings_for(server, model_streaming=streaming))
    assert "\n" not in str(caught.value)


def test_a_connection_that_breaks_off_is_tried_again(server: "ProtocolServer") -> None:
    server.breaks_off()
    server.answers("The answer.")
    assert ask(settings_for(server)).text == "The answer. "


def test_a_connection_that_always_breaks_off_ends_in_one_line(server: "ProtocolServer") -> None:
    server.breaks_off()
    with pytest.raises(ModelError, match=r"\(3 tries\): the connection failed: .+"):
        ask(settings_for(server))


def test_a_server_that_is_down_ends_in_one_line(server: "ProtocolServer") -> None:
    settings = settings_for(server)
    server.close()
    with pytest.raises(ModelError, match=r"\(3 tries\): the connection failed: .+") as caught:
        ask(settings)
    assert "orket doctor" in caught.value.next_step


def test_a_server_that_takes_no_connection_is_given_up_after_the_time_for_that(server: "ProtocolServer") -> None:
    """Its queue of connections is full, so that the next one hangs."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as queue:
        for _ in range(4):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        started = time.monotonic()
        with pytest.raises(ModelError, match=r"usable answer: the connection failed: .+") as caught:
            ask(settings_for(server, model_base_url=url, model_connect_timeout=0.3, model_retries=0))
        assert "orket doctor" in caught.value.next_step
        assert 0.3 <= time.monotonic() - started < 3


@pytest.mark.parametrize("streaming", [True, False])
def test_an_empty_answer_is_an_answer(server: "ProtocolServer", streaming: bool) -> None:
    server.answers()
    assert ask(settings_for(server, model_streaming=streaming)).text in {None, ""}


def test_a_conversation_that_no_longer_fits_is_told_apart(server: "ProtocolServer") -> None:
    body = b'{"error": {"message": "too long", "code": "context_length_exceeded", "type": "invalid_request_error"}}'
    server._replies.append(lambda handler, _: handler.send(400, body, {}))
    with pytest.raises(ConversationTooLong):
        ask(settings_for(server))


def test_a_stop_interrupts_a_thinking_model(server: "ProtocolServer") -> None:
    server.hangs()
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Stopped):
        ask(settings_for(server), stop)
    assert time.monotonic() - started < 3


def test_a_stop_interrupts_the_wait_for_the_next_try(server: "ProtocolServer") -> None:
    server.refuses(429, Retry_After="60")
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        ask(settings_for(server, model_retry_wait_limit=60.0), stop)


def test_a_model_without_a_server_is_refused(server: "ProtocolServer") -> None:
    with pytest.raises(SettingsError, match="no server") as caught:
        open_models(settings_for(server, model_base_url=None))
    assert "ORKET_MODEL_BASE_URL" in caught.value.next_step


def test_a_whole_session_with_a_clumsy_model(server: "ProtocolServer", desk: Desk, assignment: Assignment) -> None:
    server.answers("I shall call launch_missiles()")
    server.answers(launch_missiles={})
    server.answers(write_file='{"path": "a.txt", "cont')
    server.answers(None)
    server.answers(write_file={"path": "a.txt", "content": "hello\n"}, read_file="")
    server.answers("Done.", request_state={"state": "ready_for_testing", "summary": "It says hello."})
    settings = settings_for(server)
    outcome = run_session(replace(desk, settings=settings), open_models(settings), assignment)
    assert outcome.request is CardState.READY_FOR_TESTING
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        called = [(call.tool, call.result.verdict) for call in calls_of(tx, session.id) if call.result]
        costs = [turn.cost for turn in turns_of(tx, session.id)]
    assert called == [
        ("launch_missiles", "denied"),
        ("write_file", "denied"),
        ("write_file", "done"),
        ("read_file", "denied"),
        ("request_state", "done"),
    ]
    assert costs == [None] * 6
    told = [message["content"] for message in server.requests[-1]["messages"] if message["role"] == "tool"]
    assert told[0].startswith("Denied by the rule unknown_tool")


def test_a_session_whose_server_is_down_goes_on_when_it_is_back(
    server: "ProtocolServer", desk: Desk, assignment: Assignment
) -> None:
    settings = settings_for(server, model_retries=0)
    server.refuses(503)
    server.answers(request_state={"state": "ready_for_testing", "summary": "Done."})
    desk = replace(desk, settings=settings)
    with pytest.raises(ModelError):
        run_session(desk, open_models(settings), assignment)
    assert run_session(desk, open_models(settings), assignment).request is CardState.READY_FOR_TESTING


@pytest.mark.parametrize("streaming", [True, False])
def test_an_answer_of_ten_megabytes_is_not_taken_for_one(server: "ProtocolServer", streaming: bool) -> None:
    server.answers("x" * 10_000_000)
    with pytest.raises(
        ModelError, match=r"^local-model gave no usable answer: the answer is longer than 1,000,000 characters$"
    ) as caught:
        ask(settings_for(server, model_streaming=streaming, model_turn_timeout=60.0, model_first_token_timeout=60.0))
    assert "ORKET_MODEL_ANSWER_LIMIT" in caught.value.next_step
    assert len(server.requests) == 1


def test_a_call_with_endless_arguments_is_not_taken_for_one(server: "ProtocolServer") -> None:
    server.answers(write_file="x" * 5_000)
    with pytest.raises(ModelError, match="longer than 1,000 characters"):
        ask(settings_for(server, model_answer_limit=1_000))


def test_a_server_that_only_keeps_the_line_open_is_given_up(server: "ProtocolServer") -> None:
    server.keeps_alive()
    with pytest.raises(ModelError, match=r"did not come within 0.4 s$"):
        ask(settings_for(server, model_first_token_timeout=0.4, model_retries=0))


def test_a_limit_of_an_answer_is_sent_as_the_server_knows_it(server: "ProtocolServer") -> None:
    server.answers("hello")
    ask(settings_for(server, model_max_output_tokens=100))
    assert server.requests[0]["max_tokens"] == 100


def test_a_printed_call_is_carried_out_and_marked_in_the_stored_turn(
    server: "ProtocolServer", desk: Desk, assignment: Assignment
) -> None:
    said = '{"name": "request_state", "arguments": {"state": "ready_for_testing", "summary": "Done."}}'
    server.answers(f"<tool_call>\n{said}\n</tool_call>")
    settings = settings_for(server, model="qwen3:8b")
    outcome = run_session(replace(desk, settings=settings), open_models(settings), assignment)
    assert outcome.request is CardState.READY_FOR_TESTING
    with desk.store.read() as tx:
        (turn,) = turns_of(tx, list_sessions(tx)[0].id)
    (answer,) = turn.messages
    assert answer["metadata"] == {"calls_read_from_text": [answer["parts"][0]["tool_call_id"]]}
