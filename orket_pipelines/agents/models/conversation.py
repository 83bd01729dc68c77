"""Asks a model and gets an answer, within bounds: deadlines, a limited number of tries, an eye on the stop flag."""

import asyncio
import threading
from collections.abc import Awaitable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from pydantic_ai import direct
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelContextWindowExceededError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponsePart,
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents.models.catalog import Bounds, bounds_of
from orket_pipelines.agents.models.faults import AnswerTooLong, explain, may_pass, remedy
from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.recording import ask_about
from orket_pipelines.agents.models.text_calls import read_text_calls
from orket_pipelines.agents.redaction import redactor
from orket_pipelines.errors import ModelError, Stopped
from orket_pipelines.settings import Settings

STOP_POLL = 0.2
"""Seconds between looks at the stop flag while a model is thinking."""
UNREADABLE = (AttributeError, TypeError, LookupError, ValueError)
"""What the client library trips over where a server answers JSON of another shape."""


T = TypeVar("T")


class ConversationTooLong(ModelError):
    """The conversation no longer fits the model's context window."""


class _Loop:
    """An event loop that is closed when its thread ends."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def __del__(self) -> None:
        self.runner.close()


class Threads(threading.local):
    """Each thread's loop: to make one for every session costs as much as to ask."""

    def __init__(self) -> None:
        self.loop = _Loop()


threads = Threads()


class Conversation:
    """One session's talk with a model; a context manager, since it has connections of its own."""

    def __init__(
        self, model: LanguageModel, tools: Sequence[ToolDefinition], settings: Settings, stop: threading.Event
    ) -> None:
        self._model = model
        self._tools = frozenset(tool.name for tool in tools)
        self._settings = settings
        self._stop = stop
        bounds = bounds_of(settings, model.name)
        self._parameters = ModelRequestParameters(function_tools=list(tools))
        self._bounds = bounds
        self._model_settings = _settings(bounds, streaming=model.streaming)
        self._runner = threads.loop.runner
        self._entered = False

    def __enter__(self) -> Self:
        """The model is entered with the first question: to enter the loop costs as much as to ask."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._entered:
            self._runner.run(self._model.model.__aexit__(kind, error, trace))

    def ask(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        """The model's answer to the whole conversation so far.

        Raises: ModelError where it gives none after every try; ConversationTooLong; Stopped.
        """
        tries = 1
        while True:
            try:
                answer = self._runner.run(self._ask_once(messages))
            except ModelContextWindowExceededError as error:
                raise ConversationTooLong(f"the conversation no longer fits {self._model.name}") from error
            except AgentRunError as error:
                if tries > self._bounds.retries or not may_pass(error):
                    raise self._given_up(error, tries) from error
                self._wait(error, tries)
            else:
                return self._taken(messages, answer)
            tries += 1

    def _taken(self, messages: Sequence[ModelMessage], answer: ModelResponse) -> ModelResponse:
        """The answer as it is gone on with; recorded as it came."""
        recording = self._model.recording
        if recording is not None:
            name = self._model.model.model_name
            recording.keep(ask_about(name, list(messages), self._parameters, self._model_settings), answer)
        return read_text_calls(answer, self._model.dialect.text_calls, self._tools)

    async def _ask_once(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        if self._model.connects and not self._entered:
            await self._model.model.__aenter__()
            self._entered = True
        try:
            return await self._until_stopped(self._request(messages), "waiting for")
        except UNREADABLE as error:
            raise UnexpectedModelBehavior(f"the answer cannot be read ({type(error).__name__}: {error})") from error

    async def _until_stopped(self, waiting: Awaitable[T], doing: str) -> T:
        """What is waited for, unless a stop is asked for. Every wait is on the clock of the event loop."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        self._look = loop.call_later(STOP_POLL, self._watch, task)
        try:
            return await waiting
        except asyncio.CancelledError:
            raise Stopped(f"stopped while {doing} {self._model.name}") from None
        finally:
            self._look.cancel()

    def _watch(self, task: "asyncio.Task[Any] | None") -> None:
        """Look at the stop flag now and then; a task of its own for a request would cost as much as to ask."""
        if self._stop.is_set() and task is not None:
            task.cancel()
        else:
            self._look = asyncio.get_running_loop().call_later(STOP_POLL, self._watch, task)

    async def _request(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        if not self._model.streaming:
            response = await direct.model_request(
                self._model.model,
                messages,
                model_settings=self._model_settings,
                model_request_parameters=self._parameters,
            )
            self._measure(sum(map(_written, response.parts)))
            return response
        opening = direct.model_request_stream(
            self._model.model,
            messages,
            model_settings=self._model_settings,
            model_request_parameters=self._parameters,
        )
        async with opening as stream:
            length = 0
            async for event in stream:
                length += _length(event)
                self._measure(length)
            return stream.get()

    def _measure(self, length: int) -> None:
        if length > self._bounds.answer_limit:
            raise AnswerTooLong(f"the answer is longer than {self._bounds.answer_limit:,} characters")

    def _wait(self, error: AgentRunError, tries: int) -> None:
        """Wait before the next try: as long as the server asks, or twice as long each time, and never for ever."""
        asked = error.retry_after if isinstance(error, ModelAPIError) else None
        seconds = asked if asked is not None else self._bounds.retry_wait * 2 ** (tries - 1)
        wait = asyncio.sleep(min(seconds, self._bounds.retry_wait_limit))
        self._runner.run(self._until_stopped(wait, "waiting to ask again"))

    def _given_up(self, error: AgentRunError, tries: int) -> ModelError:
        times = "" if tries == 1 else f" ({tries} tries)"
        reason = redactor(self._settings)(explain(error))
        step = remedy(error, self._settings, self._model.name)
        return ModelError(f"{self._model.name} gave no usable answer{times}: {reason}", next_step=step)


def _settings(bounds: Bounds, *, streaming: bool) -> ModelSettings:
    silence = bounds.first_token_timeout if streaming else bounds.turn_timeout
    settings = ModelSettings(
        # Typed for the HTTP library of before; this is the one that carries the traffic.
        timeout=httpx2.Timeout(silence, connect=bounds.connect_timeout),  # type: ignore[typeddict-item]
        request_timeout=bounds.turn_timeout,
        # Trying again is decided here alone: the client library would do it behind our deadlines.
        max_retries=0,
    )
    if streaming:
        settings["first_event_timeout"] = bounds.first_token_timeout
    if bounds.max_output_tokens is not None:
        settings["max_tokens"] = bounds.max_output_tokens
    return settings


def _length(event: ModelResponseStreamEvent) -> int:
    """Characters that an answer grows by with this event."""
    if isinstance(event, PartStartEvent):
        return _written(event.part)
    if not isinstance(event, PartDeltaEvent):
        return 0
    if isinstance(event.delta, TextPartDelta | ThinkingPartDelta):
        return len(event.delta.content_delta or "")
    return len(str(event.delta.args_delta or "")) if isinstance(event.delta, ToolCallPartDelta) else 0


def _written(part: ModelResponsePart) -> int:
    """Characters of one part of an answer."""
    if isinstance(part, TextPart | ThinkingPart):
        return len(part.content)
    return len(str(part.args or "")) if isinstance(part, ToolCallPart) else 0
