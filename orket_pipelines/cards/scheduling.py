"""What is worked on first: pure functions over cards.

A card's score is its priority plus the number of distinct cards that wait for it, directly or not; among equals the
oldest comes first.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence

from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardState

HOPELESS = frozenset({CardState.CANCELED, CardState.BLOCKED})
"""Nothing will come of a dependency in one of these states unless a person acts."""

Rank = tuple[float, int, str]


def score(card: Card, dependents: int) -> float:
    """How much a card matters; `dependents` counts the distinct cards that wait for it, directly or not."""
    return card.priority + dependents


def scores(cards: Sequence[Card]) -> dict[str, float]:
    """The score of each card by its id; only cards in `cards` count as dependents."""
    dependents = _transitive_dependents(cards)
    return {card.id: score(card, dependents[card.id]) for card in cards}


def order(cards: Sequence[Card], known: Mapping[str, float] | None = None) -> list[Card]:
    """The cards, each after what it depends on, and otherwise by score; `known` are their scores, if they are known.

    Cards in a dependency cycle, which no import lets in, come last rather than being lost.
    """
    ranks = _ranks(cards, scores(cards) if known is None else known)
    by_id = {card.id: card for card in cards}
    waiting_for, dependents = _edges(cards)
    ready = [ranks[card.id] for card in cards if not waiting_for[card.id]]
    heapq.heapify(ready)
    found: list[Card] = []
    while ready:
        card = by_id.pop(heapq.heappop(ready)[2])
        found.append(card)
        for other in dependents[card.id]:
            waiting_for[other] -= 1
            if not waiting_for[other]:
                heapq.heappush(ready, ranks[other])
    return found + sorted(by_id.values(), key=lambda card: ranks[card.id])


def waves(cards: Sequence[Card]) -> dict[str, int]:
    """The earliest turn, from 1, in which each card that is not final can be worked on, were there places enough.

    Cards in a dependency cycle are left out.
    """
    still = [card for card in cards if card.state not in TERMINAL]
    waiting_for, dependents = _edges(still)
    line = [card.id for card in still if not waiting_for[card.id]]
    found = dict.fromkeys(line, 1)
    for card_id in line:
        for other in dependents[card_id]:
            found[other] = max(found.get(other, 1), found[card_id] + 1)
            waiting_for[other] -= 1
            if not waiting_for[other]:
                line.append(other)
    return {card_id: found[card_id] for card_id in line}


def critical_path(cards: Sequence[Card], known: Mapping[str, float] | None = None) -> list[Card]:
    """The longest chain of cards that are not final, each depending on the one before: no number of workers is done
    sooner. Among equally long ones it is the one that leads to the card with the higher score.
    `known` are the scores, if they are known.
    """
    found = waves(cards)
    by_id = {card.id: card for card in cards if card.id in found}
    ranks = _ranks(by_id.values(), scores(cards) if known is None else known)
    path: list[Card] = []
    able: Iterable[str] = by_id
    for wave in range(max(found.values(), default=0), 0, -1):
        path.append(by_id[min((card_id for card_id in able if found[card_id] == wave), key=ranks.__getitem__)])
        able = [other for other in path[-1].depends_on if other in found]
    return path[::-1]


def unmet_dependencies(card: Card, states: Mapping[str, CardState]) -> tuple[str, ...]:
    """What `card` waits for: its dependencies that are not done. One that `states` does not know is not done."""
    return tuple(other for other in card.depends_on if states.get(other) is not CardState.DONE)


def hopeless(card: Card, states: Mapping[str, CardState]) -> tuple[str, ...]:
    """The dependencies of `card` that will not be done unless a person acts."""
    return tuple(other for other in card.depends_on if states.get(other) in HOPELESS)


def claimable(cards: Sequence[Card], states: Mapping[str, CardState]) -> list[Card]:
    """The cards that a worker may start now, best first: ready ones whose dependencies are all done.

    `states` holds the state of every card that one of `cards` depends on. Give all cards of the rocks concerned:
    what is not there does not count as a dependent.
    """
    ranks = _ranks(cards, scores(cards))
    able = (
        card
        for card in cards
        if card.kind in WORKABLE and card.state is CardState.READY and not unmet_dependencies(card, states)
    )
    return sorted(able, key=lambda card: ranks[card.id])


def _ranks(cards: Iterable[Card], found: Mapping[str, float]) -> dict[str, Rank]:
    return {card.id: (-found[card.id], card.created_at, card.id) for card in cards}


def _edges(cards: Sequence[Card]) -> tuple[dict[str, int], dict[str, list[str]]]:
    """How many of `cards` each card waits for, and which wait for it."""
    dependents: dict[str, list[str]] = {card.id: [] for card in cards}
    waiting_for = dict.fromkeys(dependents, 0)
    for card in cards:
        for other in set(card.depends_on) & dependents.keys():
            dependents[other].append(card.id)
            waiting_for[card.id] += 1
    return waiting_for, dependents


def _transitive_dependents(cards: Sequence[Card]) -> dict[str, int]:
    """The number of distinct cards behind each card. A bit per card makes the union of two sets one operation."""
    waiting_for, dependents = _edges(cards)
    line = [card.id for card in cards if not waiting_for[card.id]]
    for card_id in line:
        for other in dependents[card_id]:
            waiting_for[other] -= 1
            if not waiting_for[other]:
                line.append(other)
    bit = {card_id: 1 << position for position, card_id in enumerate(line)}
    behind = dict.fromkeys(dependents, 0)
    for card_id in reversed(line):
        for other in dependents[card_id]:
            behind[card_id] |= behind[other] | bit.get(other, 0)
    return {card_id: mask.bit_count() for card_id, mask in behind.items()}
