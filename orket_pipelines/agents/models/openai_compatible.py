"""Any server that speaks OpenAI's chat completions: OpenAI itself, Ollama, vLLM, llama.cpp, a gateway."""

from dataclasses import dataclass

from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.prices import price_of
from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import Settings

# A stream that just stops would otherwise pass for a short answer.
PROFILE = OpenAIModelProfile(openai_chat_streaming_requires_finish_reason=True)


@dataclass(frozen=True, slots=True)
class CompatibleServer:
    """The model of the settings, for every role."""

    settings: Settings

    def __post_init__(self) -> None:
        """Raises: SettingsError where the settings do not name a server."""
        if self.settings.model_base_url is None:
            raise SettingsError(
                f"the model {self.settings.model!r} has no server to run on",
                next_step="Set ORKET_MODEL_BASE_URL, such as http://127.0.0.1:11434/v1 for Ollama.",
            )
        price_of(self.settings)

    def for_role(self, role: str) -> LanguageModel:
        """A connection of its own for one session; every role is played by the same model."""
        del role
        settings = self.settings
        key = settings.model_api_key
        provider = OpenAICompatibleProvider(
            "compatible",
            base_url=str(settings.model_base_url),
            api_key=key.get_secret_value() if key is not None else None,
            profile=PROFILE,
        )
        model = OpenAIChatModel(settings.model, provider=provider)
        return LanguageModel(settings.model, model, price_of(settings), streaming=settings.model_streaming)
