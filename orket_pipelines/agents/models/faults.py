"""Why a model gave no answer: whether it may pass, how it is told in one line, and what a person can do about it."""

import httpx2
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
)

from orket_pipelines.agents.models.catalog import setting_of
from orket_pipelines.settings import Settings

DETAIL = 300
"""Characters of a server's own words that an error repeats."""
TRY_AGAIN = frozenset({408, 409, 425, 429})
"""HTTP statuses below 500 that the same request may not meet a second time."""


class AnswerTooLong(AgentRunError):
    """An answer that is longer than any that could be worked with."""


def may_pass(error: AgentRunError) -> bool:
    """Whether the same request may be answered the next time."""
    if isinstance(error, ModelQuotaExceededError):
        return False
    if isinstance(error, ModelHTTPError):
        return error.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR or error.status_code in TRY_AGAIN
    return not isinstance(error, ModelRequestRejectedError | AnswerTooLong)


def explain(error: AgentRunError) -> str:
    """The fault in one line."""
    if isinstance(error, ModelHTTPError):
        return f"HTTP {error.status_code}: {_detail(error.body)}"
    if isinstance(error, ModelRequestTimeout):
        what = "the first token" if error.setting == "first_event_timeout" else "the whole answer"
        return f"{what} did not come within {error.timeout:g} s"
    if isinstance(error, ModelConnectionError):
        return f"the connection failed: {_detail(_first_cause(error))}"
    return _detail(error)


def remedy(error: AgentRunError, settings: Settings, name: str) -> str:
    """What helps, in the words of the settings of the model of this name."""
    model, server, key, limit = (
        setting_of(settings, name, field) for field in ("model", "base_url", "api_key", "answer_limit")
    )
    if isinstance(error, AnswerTooLong):
        return f"If such an answer is wanted, raise {limit}; otherwise choose another model: {model}."
    if isinstance(error, ModelHTTPError) and error.status_code in {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}:
        return f"Check {key}."
    if isinstance(error, ModelHTTPError) and error.status_code == httpx2.codes.NOT_FOUND:
        return f"Check that {model} names a model that the server has, and that {server} ends in /v1."
    if isinstance(error, ModelQuotaExceededError):
        return f"Top up the account, or choose another model: {model}."
    if isinstance(error, ModelHTTPError) and error.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return "Wait, or ask less at once: ORKET_CONCURRENCY=1. Then run the same command again."
    return f"Check that the server at {server} runs and answers: orket doctor"


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
