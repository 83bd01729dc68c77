"""The models that the settings name: where each is asked, within which bounds, and who stands in for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from orket_pipelines.agents.dialects import Dialect, dialect_of, get_dialect
from orket_pipelines.agents.model import Purpose
from orket_pipelines.agents.roles import load_roles
from orket_pipelines.errors import ModelError, SettingsError
from orket_pipelines.model_settings import NamedModel
from orket_pipelines.settings import SCRIPTED, Settings

SEE = "See which there are: orket models list"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long an answer is waited for, in seconds, how often it is asked for again, and how long it may be.

    `max_output_tokens` None leaves that to the server. `answer_limit` is in characters.
    """

    connect_timeout: float
    first_token_timeout: float
    turn_timeout: float
    retries: int
    retry_wait: float
    retry_wait_limit: float
    max_output_tokens: int | None
    answer_limit: int


def model_names(settings: Settings) -> tuple[str, ...]:
    """Every model that may be asked, the one for all that no other setting says first."""
    return tuple(dict.fromkeys((settings.model, *settings.models)))


def demand_model(settings: Settings, name: str) -> str:
    """The name itself. Raises: ModelError where the settings name no such model."""
    names = model_names(settings)
    if name in names or name == SCRIPTED:
        return name
    raise ModelError(f"the settings name no model {name!r}{_meant(name, names)}", next_step=SEE)


def chain_of(settings: Settings, name: str) -> tuple[str, ...]:
    """The model and those that stand in for it, in order, each once."""
    own = settings.models.get(name)
    fallback = own.fallback if own else settings.model_fallback if name == settings.model else ()
    return tuple(dict.fromkeys((demand_model(settings, name), *fallback)))


def server_of(settings: Settings, name: str) -> NamedModel:
    """Where a model is asked: what is said of it in `models`, or what the settings `model_…` say of the one model.

    Raises: SettingsError where no server is named.
    """
    if name in settings.models:
        return settings.models[name]
    if settings.model_base_url is None:
        raise SettingsError(
            f"the model {name!r} has no server to run on",
            next_step="Set ORKET_MODEL_BASE_URL, such as http://127.0.0.1:11434/v1 for Ollama.",
        )
    return NamedModel(
        base_url=settings.model_base_url,
        api_key=settings.model_api_key,
        fallback=settings.model_fallback,
        input_price=settings.model_input_price,
        output_price=settings.model_output_price,
    )


def told_server(settings: Settings, name: str) -> str:
    """Where a model is asked, in words for people."""
    if name == SCRIPTED:
        return "no server: it plays playbooks"
    return server_of(settings, name).base_url


def bounds_of(settings: Settings, name: str) -> Bounds:
    """The bounds of a model: its own, and where it has none the settings'."""
    return Bounds(**{field: inherited(settings, name, field) for field in Bounds.__match_args__})


def inherited(settings: Settings, name: str, field: str) -> Any:
    """What a model's own setting says, or where it is not set, the setting `model_…` of that name."""
    own = getattr(settings.models.get(name), field, None)
    return getattr(settings, f"model_{field}") if own is None else own


def dialect_for(settings: Settings, name: str) -> Dialect:
    """The dialect of a model: the one it says, or the one of its name on the server. Raises: SettingsError."""
    own = settings.models.get(name)
    if own is not None and own.dialect is not None:
        return get_dialect(own.dialect)
    return dialect_of((own and own.model) or name)


def setting_of(settings: Settings, name: str, field: str) -> str:
    """How a person calls the setting `field` of a model."""
    if name in settings.models:
        return f"models.{name}.{field}"
    return "ORKET_MODEL" if field == "model" else f"ORKET_MODEL_{field.upper()}"


def check_names(settings: Settings) -> None:
    """Whether every name that one setting uses of another is there. Raises: SettingsError with each that is not."""
    wrong = [*_unknown_models(settings), *_unknown_roles_and_purposes(settings)]
    if SCRIPTED in settings.models:
        wrong.append(f"models.{SCRIPTED}: this is the name of the model that plays playbooks")
    for name in settings.models:
        try:
            dialect_for(settings, name)
        except SettingsError as error:
            wrong.append(f"models.{name}.dialect: {error}")
    if settings.model_replay and settings.model_recording is None:
        wrong.append("model_replay: there is no recording to replay; ORKET_MODEL_RECORDING names its folder")
    if wrong:
        raise SettingsError("; ".join(wrong), next_step="Correct the settings, then: orket models list")


def _unknown_models(settings: Settings) -> Iterator[str]:
    named = {f"role_models.{role}": model for role, model in settings.role_models.items()}
    named |= {f"model_fallback.{at}": model for at, model in enumerate(settings.model_fallback)}
    if settings.simple_work is not None:
        named["simple_work.model"] = settings.simple_work.model
    for name, model in settings.models.items():
        named |= {f"models.{name}.fallback.{at}": each for at, each in enumerate(model.fallback)}
    names = model_names(settings)
    for path, model_name in named.items():
        if model_name not in {*names, SCRIPTED}:
            yield f"{path}: there is no model {model_name!r}{_meant(model_name, names)}"


def _unknown_roles_and_purposes(settings: Settings) -> Iterator[str]:
    roles = tuple(load_roles(settings.roles)) if settings.role_models else ()
    for role in settings.role_models:
        if role not in roles:
            yield f"role_models: there is no role {role!r}{_meant(role, roles)}"
    purposes = tuple(map(str, Purpose))
    for purpose in sorted(settings.simple_work.purposes) if settings.simple_work else ():
        if purpose not in purposes:
            yield f"simple_work.purposes: there is no purpose {purpose!r}{_meant(purpose, purposes)}"


def _meant(name: str, names: tuple[str, ...]) -> str:
    close = get_close_matches(name, names, n=1)
    return f"; is {close[0]} meant?" if close else f"; there are: {', '.join(names)}"
