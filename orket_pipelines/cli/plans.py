"""`orket cards plan`: what comes when, and what cannot be hurried."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import Terminal
from orket_pipelines.errors import CardError

if TYPE_CHECKING:
    from orket_pipelines.cards.agenda import Agenda, Planned


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
    from orket_pipelines.cards.agenda import agenda
    from orket_pipelines.cards.records import get_card, list_cards

    with terminal.store() as store, store.read() as tx:
        if rock is not None and get_card(tx, rock).kind is not CardKind.ROCK:
            raise CardError(f"{rock} is not a rock", next_step="See which there are: orket rocks list")
        cards = list_cards(tx, rock_id=rock)
    found = agenda(cards)
    terminal.data(asdict(found))
    rows = [_row(each) for each in found.order]
    empty = "Nothing is left to do." if cards else "There are no cards. Bring some in: orket cards import PATH"
    terminal.table(("", "issue", "state", "score", "seat", "wave", "after", "name"), rows, empty=empty)
    if found.order:
        terminal.say(f"\n{_told(found)}")


def _row(each: "Planned") -> Sequence[object]:
    issue = f"{each.id}{'*' if each.critical else ''}"
    after = ", ".join(each.after)
    return each.place, issue, each.state, f"{each.score:g}", each.seat or "", each.wave or "", after, each.name


def _told(found: "Agenda") -> str:
    waves = max((each.wave or 0 for each in found.order), default=0)
    count = f"{len(found.order)} {'issue is' if len(found.order) == 1 else 'issues are'} left"
    path = " → ".join(found.critical_path)
    return f"{count}, in at least {waves} waves, however many workers there are.\ncritical path (*): {path}"
