"""Asks a model and gets an answer, within bounds: deadlines, a limited number of tries, an eye on the stop flag."""

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import httpx2
from pydantic_ai import direct
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.redaction import redactor
from orket_pipelines.errors import ModelError, Stopped
from orket_pipelines.settings import Settings

STOP_POLL = 0.2
"""Seconds between looks at the stop flag while a model is thinking."""
DETAIL = 300
"""Characters of a server's own words that an error repeats."""
TRY_AGAIN = frozenset({408, 409, 425, 429})
"""HTTP statuses below 500 that the same request may not meet a second time."""
UNREADABLE = (AttributeError, TypeError, LookupError, ValueError)
"""What the client library trips over where a server answers JSON of another shape."""


class ConversationTooLong(ModelError):
    """The conversation no longer fits the model's context window."""


class _Loop:
    """An event loop that is closed when its thread ends."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()

    def __del__(self) -> None:
        self.runner.close()


class _Threads(threading.local):
    """Each thread's loop: to make one for every session costs as much as to ask."""

    def __init__(self) -> None:
        self.loop = _Loop()


_threads = _Threads()


class Conversation:
    """One session's talk with a model; a context manager, since it has connections of its own."""

    def __init__(
        self, model: LanguageModel, tools: Sequence[ToolDefinition], settings: Settings, stop: threading.Event
    ) -> None:
        self._model = model
        self._settings = settings
        self._stop = stop
        self._parameters = ModelRequestParameters(function_tools=list(tools))
        self._bounds = _bounds(settings, streaming=model.streaming)
        self._runner = _threads.loop.runner
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
                return self._runner.run(self._until_stopped(messages))
            except ModelContextWindowExceededError as error:
                raise ConversationTooLong(f"the conversation no longer fits {self._model.name}") from error
            except AgentRunError as error:
                if tries > self._settings.model_retries or not _may_pass(error):
                    raise self._given_up(error, tries) from error
                self._wait(error, tries)
            tries += 1

    async def _until_stopped(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        if not self._entered:
            await self._model.model.__aenter__()
            self._entered = True
        request = asyncio.ensure_future(self._request(messages))
        try:
            while not (await asyncio.wait({request}, timeout=STOP_POLL))[0]:
                if self._stop.is_set():
                    raise Stopped(f"stopped while waiting for {self._model.name}")
            return request.result()
        except UNREADABLE as error:
            raise UnexpectedModelBehavior(f"the answer cannot be read ({type(error).__name__}: {error})") from error
        finally:
            if request.cancel():
                await asyncio.gather(request, return_exceptions=True)

    async def _request(self, messages: Sequence[ModelMessage]) -> ModelResponse:
        if not self._model.streaming:
            return await direct.model_request(
                self._model.model, messages, model_settings=self._bounds, model_request_parameters=self._parameters
            )
        opening = direct.model_request_stream(
            self._model.model, messages, model_settings=self._bounds, model_request_parameters=self._parameters
        )
        async with opening as stream:
            async for _ in stream:
                pass
            return stream.get()

    def _wait(self, error: AgentRunError, tries: int) -> None:
        """Wait before the next try: as long as the server asks, or twice as long each time, and never for ever."""
        asked = error.retry_after if isinstance(error, ModelAPIError) else None
        seconds = asked if asked is not None else self._settings.model_retry_wait * 2 ** (tries - 1)
        if self._stop.wait(min(seconds, self._settings.model_retry_wait_limit)):
            raise Stopped(f"stopped while waiting to ask {self._model.name} again")

    def _given_up(self, error: AgentRunError, tries: int) -> ModelError:
        times = "" if tries == 1 else f" ({tries} tries)"
        reason = redactor(self._settings)(_explain(error))
        return ModelError(f"{self._model.name} gave no usable answer{times}: {reason}", next_step=_remedy(error))


def _bounds(settings: Settings, *, streaming: bool) -> ModelSettings:
    silence = settings.model_first_token_timeout if streaming else settings.model_turn_timeout
    bounds = ModelSettings(
        # Typed for the HTTP library of before; this is the one that carries the traffic.
        timeout=httpx2.Timeout(silence, connect=settings.model_connect_timeout),  # type: ignore[typeddict-item]
        request_timeout=settings.model_turn_timeout,
        # Trying again is decided here alone: the client library would do it behind our deadlines.
        max_retries=0,
    )
    if streaming:
        bounds["first_event_timeout"] = settings.model_first_token_timeout
    return bounds


def _may_pass(error: AgentRunError) -> bool:
    """Whether the same request may be answered the next time."""
    if isinstance(error, ModelQuotaExceededError):
        return False
    if isinstance(error, ModelHTTPError):
        return error.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR or error.status_code in TRY_AGAIN
    return not isinstance(error, ModelRequestRejectedError)


def _explain(error: AgentRunError) -> str:
    if isinstance(error, ModelHTTPError):
        return f"HTTP {error.status_code}: {_detail(error.body)}"
    if isinstance(error, ModelRequestTimeout):
        what = "the first token" if error.setting == "first_event_timeout" else "the whole answer"
        return f"{what} did not come within {error.timeout:g} s"
    if isinstance(error, ModelConnectionError):
        return f"the connection failed: {_detail(_first_cause(error))}"
    return _detail(error)


def _first_cause(error: BaseException) -> BaseException:
    """The transport's own words; what is wrapped around them says no more than "Connection error"."""
    while error.__cause__ is not None and str(error.__cause__):
        error = error.__cause__
    return error


def _detail(said: object) -> str:
    if isinstance(said, dict):
        said = said.get("message", said)
    text = " ".join(str(said or "").split()) or type(said).__name__
    return text if len(text) <= DETAIL else f"{text[:DETAIL]}…"


def _remedy(error: AgentRunError) -> str:
    if isinstance(error, ModelHTTPError) and error.status_code in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
        return "Check ORKET_MODEL_API_KEY."
    if isinstance(error, ModelHTTPError) and error.status_code == httpx2.codes.NOT_FOUND:
        return "Check that ORKET_MODEL names a model that the server has, and that ORKET_MODEL_BASE_URL ends in /v1."
    if isinstance(error, ModelQuotaExceededError):
        return "Top up the account, or choose another model: ORKET_MODEL."
    if isinstance(error, ModelHTTPError) and error.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return "Wait, or ask less at once: ORKET_CONCURRENCY=1. Then run the same command again."
    return "Check that the server at ORKET_MODEL_BASE_URL runs and answers: orket doctor"
