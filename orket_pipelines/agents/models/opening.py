"""Which models the settings ask for."""

from orket_pipelines.agents.models.model import Models
from orket_pipelines.settings import SCRIPTED, Settings


def open_models(settings: Settings) -> Models:
    """The scripted model, or the one on the server that the settings name.

    Raises: SettingsError where they do not fit together, or a playbook is broken.
    """
    if settings.model == SCRIPTED:
        from orket_pipelines.agents.models.scripted import Scripted  # noqa: PLC0415 - reads every playbook

        return Scripted.from_settings(settings)
    from orket_pipelines.agents.models.openai_compatible import CompatibleServer  # noqa: PLC0415 - a client library

    return CompatibleServer(settings)
