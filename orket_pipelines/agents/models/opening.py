"""Opens the models that the settings name."""

from dataclasses import dataclass

from orket_pipelines.agents.models.catalog import chain_of, check_names, model_names
from orket_pipelines.agents.models.model import LanguageModel, Models
from orket_pipelines.settings import SCRIPTED, Settings


def open_models(settings: Settings) -> Models:
    """The models of the settings; the scripted one alone where they name no other.

    Raises: SettingsError where they do not fit together, or a playbook is broken.
    """
    check_names(settings)
    scripted = _open_scripted(settings) if settings.model == SCRIPTED else None
    if scripted is not None and settings.is_scripted:
        return scripted
    from orket_pipelines.agents.models.openai_compatible import check_server  # noqa: PLC0415 - a client library

    for name in model_names(settings):
        if name != SCRIPTED:
            check_server(settings, name)
    return _Configured(settings, scripted)


@dataclass(frozen=True, slots=True)
class _Configured:
    """Models on servers, and the scripted one where it is the one for all work."""

    settings: Settings
    scripted: Models | None

    def chain(self, name: str | None) -> tuple[str, ...]:
        return chain_of(self.settings, name or self.settings.model)

    def open(self, name: str) -> LanguageModel:
        if name == SCRIPTED:
            return (self.scripted or _open_scripted(self.settings)).open(name)
        from orket_pipelines.agents.models.openai_compatible import open_compatible  # noqa: PLC0415 - as above

        return open_compatible(self.settings, name)


def _open_scripted(settings: Settings) -> Models:
    from orket_pipelines.agents.models.scripted import Scripted  # noqa: PLC0415 - reads every playbook

    return Scripted.from_settings(settings)
