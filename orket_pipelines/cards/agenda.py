"""What is left, in the order in which it is taken up, and the chain of it that cannot be hurried: pure functions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orket_pipelines.cards.fairness import interleave, weight_of
from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardKind
from orket_pipelines.cards.scheduling import critical_path, order, scores, waves


@dataclass(frozen=True, slots=True)
class Planned:
    """One issue that is left, at its place in the order.

    `wave` is the earliest turn in which it could be worked on, `after` what it still waits for; `critical` says that it
    is on the critical path.
    """

    place: int
    id: str
    rock: str | None
    name: str
    state: str
    score: float
    seat: str | None
    wave: int | None
    after: tuple[str, ...]
    critical: bool


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is left, and the ids on the critical path."""

    order: tuple[Planned, ...]
    critical_path: tuple[str, ...]


def agenda(cards: Sequence[Card]) -> Agenda:
    """What is left of these rocks, which take turns by their weight; give all cards of each."""
    issues = [card for card in cards if card.kind in WORKABLE]
    weights = {card.id: weight_of(card.priority) for card in cards if card.kind is CardKind.ROCK}
    by_rock: dict[str, list[Card]] = {}
    for card in issues:
        by_rock.setdefault(card.rock_id or "", []).append(card)
    known = {card_id: score for mine in by_rock.values() for card_id, score in scores(mine).items()}
    orders = {
        rock_id: order([card for card in mine if card.state not in TERMINAL], known)
        for rock_id, mine in by_rock.items()
    }
    path = tuple(card.id for card in critical_path(issues, known))
    return Agenda(tuple(_planned(interleave(orders, weights), known, waves(issues), frozenset(path))), path)


def _planned(
    cards: Sequence[Card], known: Mapping[str, float], wave: Mapping[str, int], path: frozenset[str]
) -> Iterator[Planned]:
    left = {card.id for card in cards}
    for place, card in enumerate(cards, 1):
        yield Planned(
            place=place,
            id=card.id,
            rock=card.rock_id,
            name=card.name,
            state=str(card.state),
            score=known[card.id],
            seat=card.seat,
            wave=wave.get(card.id),
            after=tuple(other for other in card.depends_on if other in left),
            critical=card.id in path,
        )
