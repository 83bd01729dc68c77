"""Which model works on what: a pure decision, made when a session begins or goes on."""

from orket_pipelines.agents.model import Purpose
from orket_pipelines.cards.model import Card
from orket_pipelines.model_settings import SimpleWork
from orket_pipelines.settings import Settings


def choose_model(
    settings: Settings, card: Card, *, role: str, purpose: Purpose, visit: int = 1, wanted: str | None = None
) -> str:
    """The name of the model for a session. The first that says one decides: the card for this role (`params.models`,
    where its team's are, too), the card (`params.model`), its rock (`wanted`), the rule for simple work, the role
    (`role_models`), the setting `model`.
    """
    params = card.details.get("params") or {}
    by_role = params.get("models")
    own = (by_role.get(role) if isinstance(by_role, dict) else None) or params.get("model") or wanted
    if own:
        return str(own)
    if settings.simple_work is not None and is_simple(settings.simple_work, card, purpose, visit):
        return settings.simple_work.model
    return model_of_role(settings, role)


def model_of_role(settings: Settings, role: str) -> str:
    """The name of the model that plays a role wherever nothing else is said."""
    return settings.role_models.get(role, settings.model)


def is_simple(rule: SimpleWork, card: Card, purpose: Purpose, visit: int = 1) -> bool:
    """Whether the rule takes this work for simple.

    A card is simple while nothing came back of it: what a cheaper model did not get right goes to the usual one.
    """
    if purpose in rule.purposes:
        return True
    limits = _kept(rule, card)
    return purpose is Purpose.WORK and visit == card.attempt == 1 and bool(limits) and all(limits)


def size_of(card: Card) -> int:
    """Characters of what is asked for."""
    return sum(len(card.details.get(name) or "") for name in ("description", "requirements"))


def _kept(rule: SimpleWork, card: Card) -> list[bool]:
    """For each limit that is set, whether the card keeps to it."""
    limits: list[bool] = []
    if rule.labels:
        limits.append(not rule.labels.isdisjoint(card.details.get("labels") or ()))
    if rule.priority_at_most is not None:
        limits.append(card.priority <= rule.priority_at_most)
    if rule.size_at_most is not None:
        limits.append(size_of(card) <= rule.size_at_most)
    return limits
