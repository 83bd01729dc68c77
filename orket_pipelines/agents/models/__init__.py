"""Who answers: the scripted model, or any OpenAI-compatible server; what it costs; and how long we wait for it."""

from orket_pipelines.agents.models.model import LanguageModel, Models
from orket_pipelines.agents.models.opening import open_models

__all__ = ["LanguageModel", "Models", "open_models"]
