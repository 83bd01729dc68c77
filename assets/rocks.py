"""A rock as its cards say it stands."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dagster import AssetCheckSeverity, MetadataValue

from assets.links import anchor
from assets.model import Judged, Made, Report, Values
from orket_pipelines.cards.model import WORKABLE, Card, CardState
from orket_pipelines.cards.records import find_card, list_cards
from orket_pipelines.store import Transaction


@dataclass(frozen=True, slots=True)
class RockStanding:
    """A rock and the cards in it that agents work on."""

    rock: Card
    issues: Sequence[Card]


def rock_standing(tx: Transaction, rock_id: str) -> RockStanding | None:
    """How this rock stands now; None where there is none."""
    rock = find_card(tx, rock_id)
    return None if rock is None else RockStanding(rock, list_cards(tx, rock_id=rock_id, kinds=WORKABLE))


def rock_reports(standing: RockStanding) -> list[Report]:
    """The rock with its issues, and whether one of them is stuck."""
    return [_made(standing), _judged(standing)]


def _made(standing: RockStanding) -> Made:
    rock, issues = standing.rock, standing.issues
    states = Counter(str(card.state) for card in issues)
    done = states[CardState.DONE]
    told = f"{rock.name}: {done} of {len(issues)} issues are done"
    metadata: Values = {
        "state": str(rock.state),
        "issues": MetadataValue.md("\n".join(["| issue | state | waits for |", "|---|---|---|", *map(_row, issues)])),
        "delivered": done,
        "blocked": states[CardState.BLOCKED],
        "left": sum(count for state, count in states.items() if state not in {CardState.DONE, CardState.CANCELED}),
        "trace": MetadataValue.md(anchor(f"main line of {rock.id}", "mainline", rock.id)),
    }
    return Made("rocks", rock.id, rock.content_hash or rock.id, told, metadata)


def _judged(standing: RockStanding) -> Judged:
    blocked = [card for card in standing.issues if card.state is CardState.BLOCKED]
    asking = [card for card in standing.issues if card.state is CardState.WAITING_FOR_DEVELOPER]
    stuck = [*blocked, *asking]
    told = "; ".join(f"{card.id} is {card.state} ({card.wait_reason}): {card.note}" for card in stuck)
    severity = AssetCheckSeverity.WARN if asking and not blocked else AssetCheckSeverity.ERROR
    return Judged("rocks", "not_stuck", standing.rock.id, not stuck, told or "no issue is stuck", severity)


def _row(card: Card) -> str:
    waits = f"{card.wait_reason}: {card.note}" if card.wait_reason else ""
    told = waits.replace("|", "\\|").replace("\n", " ")
    return f"| {anchor(card.id, 'cards', card.id)} {card.name} | {card.state} | {told} |"
