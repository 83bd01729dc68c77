"""Where work piles up: a pure function of why cards wait."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.cards.model import WaitReason

PERSON = frozenset({WaitReason.INPUT, WaitReason.REVIEW})
"""Reasons that a person alone can settle."""


class Pressure(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """As the settings `bottleneck_*` have them.

    Up to `normal` cards may wait for a resource, up to `warning` is a warning, more is critical. `dependencies` is the
    share of waiting cards that wait for dependencies, from which that is a warning where more than `normal` do.
    """

    normal: int = 3
    warning: int = 10
    dependencies: float = 0.5


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Too many cards wait for one thing: `resource`, `dependency` or `person`."""

    waits_for: str
    pressure: Pressure
    told: str
    card_ids: tuple[str, ...]


def bottlenecks(waits: Mapping[str, WaitReason], thresholds: Thresholds) -> list[Bottleneck]:
    """The bottlenecks among waiting cards, each named with why it waits; the worst first."""
    by_reason = {reason: tuple(card for card, why in waits.items() if why is reason) for reason in WaitReason}
    people = tuple(card for card, why in waits.items() if why in PERSON)
    found = [
        _resource(by_reason[WaitReason.RESOURCE], thresholds),
        _dependency(by_reason[WaitReason.DEPENDENCY], len(waits), thresholds),
        Bottleneck("person", Pressure.WARNING, _told(people, "a person"), people) if people else None,
    ]
    return sorted((each for each in found if each is not None), key=lambda each: each.pressure is Pressure.WARNING)


def _resource(cards: tuple[str, ...], thresholds: Thresholds) -> Bottleneck | None:
    if len(cards) <= thresholds.normal:
        return None
    pressure = Pressure.CRITICAL if len(cards) > thresholds.warning else Pressure.WARNING
    return Bottleneck("resource", pressure, _told(cards, "a resource"), cards)


def _dependency(cards: tuple[str, ...], waiting: int, thresholds: Thresholds) -> Bottleneck | None:
    if len(cards) <= thresholds.normal or len(cards) < thresholds.dependencies * waiting:
        return None
    told = f"{len(cards)} of {waiting} waiting cards wait for other cards"
    return Bottleneck("dependency", Pressure.WARNING, told, cards)


def _told(cards: tuple[str, ...], what: str) -> str:
    return f"{len(cards)} {'card waits' if len(cards) == 1 else 'cards wait'} for {what}"
