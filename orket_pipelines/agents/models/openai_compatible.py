"""Any server that speaks OpenAI's chat completions: OpenAI itself, Ollama, vLLM, llama.cpp, a gateway."""

from urllib.parse import urlsplit

import httpx2
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from orket_pipelines.agents.models.catalog import dialect_for, inherited, server_of
from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.prices import price_of
from orket_pipelines.agents.models.recording import Recording, ReplayedModel
from orket_pipelines.agents.redaction import redactor
from orket_pipelines.settings import Settings

OPENAI = (".openai.com", ".openai.azure.com")
"""Hosts that know the limit of an answer by its new name alone; everybody else knows the old one."""


def check_server(settings: Settings, name: str) -> None:
    """Raises: SettingsError where the model could not be asked as the settings have it."""
    server_of(settings, name)
    price_of(settings, name)


def open_compatible(settings: Settings, name: str, *, http_client: httpx2.AsyncClient | None = None) -> LanguageModel:
    """A connection of its own to the model of this name; to its recording, where that is to be replayed.

    `http_client` carries the traffic, and is closed by whoever made it; by default one of the model's own. Raises:
    SettingsError.
    """
    server, price, dialect = server_of(settings, name), price_of(settings, name), dialect_for(settings, name)
    recording = None
    if settings.model_recording is not None:
        recording = Recording(settings.model_recording, redactor(settings))
        if settings.model_replay:
            return LanguageModel(name, ReplayedModel(server.model or name, recording), price, dialect)
    key = server.api_key
    provider = OpenAICompatibleProvider(
        "compatible",
        base_url=server.base_url,
        api_key=key.get_secret_value() if key is not None else None,
        http_client=http_client,
        profile=_profile(server.base_url),
    )
    model = OpenAIChatModel(server.model or name, provider=provider)
    streaming = bool(inherited(settings, name, "streaming"))
    return LanguageModel(name, model, price, dialect, streaming, recording)


def _profile(base_url: str) -> OpenAIModelProfile:
    return OpenAIModelProfile(
        # A stream that just stops would otherwise pass for a short answer.
        openai_chat_streaming_requires_finish_reason=True,
        openai_chat_supports_max_completion_tokens=(urlsplit(base_url).hostname or "").endswith(OPENAI),
    )
