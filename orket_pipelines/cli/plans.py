"""`orket cards plan`: what comes when, and what cannot be hurried."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal
from orket_pipelines.errors import CardError

if TYPE_CHECKING:
    from orket_pipelines.cards import Card


@dataclass(frozen=True, slots=True)
class Planned:
    """One issue that is left, at its place in the order. `wave` is None where a canceled card keeps it for good."""

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


def plan(
    terminal: Terminal,
    rock: Annotated[
        str | None, typer.Argument(metavar="[ROCK]", help="Only this rock; all of them by default.")
    ] = None,
) -> None:
    """In which order issues are taken up, and the longest chain of them: no number of workers is done sooner.

    Of a rock's issues the one with the highest score comes first: its priority, and the number of cards that wait for
    it. Rocks take turns.
    """
    from orket_pipelines.cards import CardKind
    from orket_pipelines.cards.records import get_card, list_cards

    with terminal.store() as store, store.read() as tx:
        if rock is not None and get_card(tx, rock).kind is not CardKind.ROCK:
            raise CardError(f"{rock} is not a rock", next_step="See which there are: orket rocks list")
        cards = list_cards(tx, rock_id=rock)
    planned, path = planned_order(cards)
    terminal.data({"order": [asdict(each) for each in planned], "critical_path": path})
    rows = [_row(each) for each in planned]
    empty = "Nothing is left to do." if cards else "There are no cards. Bring some in: orket cards import PATH"
    terminal.table(("", "issue", "state", "score", "seat", "wave", "after", "name"), rows, empty=empty)
    if planned:
        terminal.say(f"\n{_told(planned, path)}")


def planned_order(cards: "Sequence[Card]") -> tuple[list[Planned], list[str]]:
    """What is left of these rocks in the order in which it is taken up, and the ids on the critical path."""
    from orket_pipelines.cards import TERMINAL, WORKABLE, CardKind, scores
    from orket_pipelines.cards.fairness import interleave, weight_of
    from orket_pipelines.cards.scheduling import critical_path, waves

    issues = [card for card in cards if card.kind in WORKABLE]
    left: dict[str, list[Card]] = {}
    for card in issues:
        if card.state not in TERMINAL:
            left.setdefault(card.rock_id or "", []).append(card)
    weights = {card.id: weight_of(card) for card in cards if card.kind is CardKind.ROCK}
    found, wave = scores(issues), waves(issues)
    path = [card.id for card in critical_path(issues)]
    on_path, unfinished = set(path), {card.id for mine in left.values() for card in mine}
    planned = [
        Planned(
            place=place,
            id=card.id,
            rock=card.rock_id,
            name=card.name,
            state=str(card.state),
            score=found[card.id],
            seat=card.seat,
            wave=wave.get(card.id),
            after=tuple(other for other in card.depends_on if other in unfinished),
            critical=card.id in on_path,
        )
        for place, card in enumerate(interleave(left, weights), 1)
    ]
    return planned, path


def _row(each: Planned) -> Sequence[object]:
    issue = f"{each.id}{'*' if each.critical else ''}"
    after = ", ".join(each.after)
    return each.place, issue, each.state, f"{each.score:g}", each.seat or "", each.wave or "", after, each.name


def _told(planned: Sequence[Planned], path: Sequence[str]) -> str:
    waves = max((each.wave or 0 for each in planned), default=0)
    count = f"{len(planned)} {'issue is' if len(planned) == 1 else 'issues are'} left"
    return f"{count}, in at least {waves} waves, however many workers there are.\ncritical path (*): {' → '.join(path)}"
