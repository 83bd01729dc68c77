"""How many bugs a delivered rock turns up a day."""

from dataclasses import dataclass

from orket_pipelines.cards.model import WORKABLE, Card, CardKind, CardState
from orket_pipelines.cards.records import list_cards
from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.store import Transaction

BUG = "bug"
DAY = 86_400 * MICROSECONDS


@dataclass(frozen=True, slots=True)
class BugRate:
    """Bugs found since a rock was delivered. `rate` is bugs a whole day; in the first day, their number."""

    rock_id: str
    bugs: int
    days: int

    @property
    def rate(self) -> float:
        return self.bugs / max(1, self.days)


def bug_rates_of(tx: Transaction, *, at: int) -> list[BugRate]:
    """The rate of each delivered rock at this time (UTC, microseconds)."""
    rocks = list_cards(tx, kinds=[CardKind.ROCK], states=[CardState.DONE])
    return [_rate(rock, list_cards(tx, rock_id=rock.id, kinds=WORKABLE), at) for rock in rocks if rock.updated_at <= at]


def _rate(rock: Card, cards: list[Card], at: int) -> BugRate:
    found = [card for card in cards if BUG in (card.details.get("labels") or []) and card.created_at > rock.updated_at]
    return BugRate(rock.id, sum(card.created_at <= at for card in found), (at - rock.updated_at) // DAY)
