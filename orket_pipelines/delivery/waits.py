"""Why an issue is not being worked on: a pure function of the cards, of who holds places, and of the limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.cards.bottlenecks import PERSON
from orket_pipelines.cards.graph import dependents_of
from orket_pipelines.cards.model import TERMINAL, WAITING, WORKABLE, Card, CardState, WaitReason
from orket_pipelines.cards.scheduling import order, unmet_dependencies
from orket_pipelines.delivery.places import Occupancy, full_for_issue
from orket_pipelines.settings import Settings


class Why(StrEnum):
    """What an issue that nobody works on waits for."""

    CANCELED = "a canceled card"
    BLOCKED = "it is blocked"
    PERSON = "a person"
    DEPENDENCY = "another card"
    PLACE = "a place"
    START = "a delivery"


_MEND = "Mend it, then: orket issues deliver {}"
_ANSWERS: Mapping[WaitReason | None, str] = {
    WaitReason.INPUT: 'orket issues deliver {} --answer "TEXT"',
    WaitReason.REVIEW: "orket issues review {} --approve",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """One issue that nobody works on.

    `reason` is what it counts as among wait reasons; None where nothing keeps it but that nobody delivers its rock.
    `next_step` is empty where the wait passes by itself.
    """

    card_id: str
    rock_id: str | None
    state: CardState
    why: Why
    told: str
    reason: WaitReason | None
    next_step: str


def waits_of(cards: Sequence[Card], found: Occupancy, settings: Settings) -> list[Wait]:
    """Every issue that is neither final nor worked on, the next to be worked on first. `cards` are all cards of the
    rocks concerned."""
    issues = [card for card in cards if card.kind in WORKABLE]
    states = {card.id: card.state for card in issues}
    graph = {card.id: card.depends_on for card in issues}
    lost = dependents_of(graph, [card.id for card in issues if card.state is CardState.CANCELED])
    waiting = [card for card in order(issues) if card.state not in TERMINAL and card.id not in found.rocks]
    return [_wait(card, states, lost, found, settings) for card in waiting]


def _wait(
    card: Card, states: Mapping[str, CardState], lost: Mapping[str, str], found: Occupancy, settings: Settings
) -> Wait:
    if card.state in WAITING:
        return _of_its_own(card)
    if card.id in lost:
        return _for_a_canceled_card(card, lost[card.id], states)
    unmet = unmet_dependencies(card, states)
    if unmet:
        told = ", ".join(f"{other} ({states.get(other, 'missing')})" for other in unmet)
        return _made(card, Why.DEPENDENCY, f"waits for {told}", WaitReason.DEPENDENCY)
    rock_id = card.rock_id or ""
    full = full_for_issue(settings, found, rock_id)
    if full is not None:
        told = f"waits for a place: taken are {full}"
        return _made(
            card, Why.PLACE, told, WaitReason.RESOURCE, "Raise the limit, or wait until a place is given back."
        )
    if rock_id in found.asking:
        told = "waits for a place: other rocks come first"
        return _made(card, Why.PLACE, told, WaitReason.RESOURCE)
    command = f"orket rocks deliver {rock_id}" if rock_id else f"orket issues deliver {card.id}"
    return _made(card, Why.START, "nothing keeps it: a worker takes it up next, or nobody delivers it", None, command)


def _of_its_own(card: Card) -> Wait:
    person = card.state is CardState.WAITING_FOR_DEVELOPER or card.wait_reason in PERSON
    why = Why.PERSON if person else Why.BLOCKED
    reason = card.wait_reason if card.wait_reason in PERSON or not person else WaitReason.INPUT
    told = f"{'waits for a person' if person else 'is blocked'} ({card.wait_reason}): {card.note or 'nobody said why'}"
    return _made(card, why, told, reason, _ANSWERS.get(card.wait_reason, _MEND).format(card.id))


def _for_a_canceled_card(card: Card, by: str, states: Mapping[str, CardState]) -> Wait:
    if states.get(by) is CardState.CANCELED:
        told = f"will not be started: it depends on {by}, which is canceled"
        step = f"Take {by} out of its depends_on and import the file again, or cancel {card.id} too."
    else:
        told = f"will not be started: it depends on {by}, which depends on a canceled card"
        step = f"orket cards show {by}"
    return _made(card, Why.CANCELED, told, WaitReason.DEPENDENCY, step)


def _made(card: Card, why: Why, told: str, reason: WaitReason | None, next_step: str = "") -> Wait:
    return Wait(card.id, card.rock_id, card.state, why, told, reason, next_step)
