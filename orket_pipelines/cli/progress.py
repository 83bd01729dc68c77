"""A delivery as it goes: a live table of issues and stages at the screen, a line per event elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from orket_pipelines.cards.model import Card, CardState
from orket_pipelines.cards.records import list_cards
from orket_pipelines.cli.records import at_work, totals_of
from orket_pipelines.cli.terminal import visible
from orket_pipelines.reports.narration import tell
from orket_pipelines.store import Store, Transaction, read_events
from orket_pipelines.store.events import latest_seq

if TYPE_CHECKING:
    from rich.console import RenderableType

STAGES = {
    CardState.IN_PROGRESS: "write",
    CardState.READY_FOR_TESTING: "test",
    CardState.CODE_REVIEW: "review",
    CardState.DONE: "done",
}
REACHED = {CardState.READY: -1, **{state: place for place, state in enumerate(STAGES)}}
"""How far a state is along the stages; what waits counts as being written."""

Refresh = Callable[[], None]


@contextmanager
def silent() -> Iterator[Refresh]:
    """Nothing is shown."""
    yield lambda: None


@contextmanager
def line_by_line(store: Store, issues: Sequence[str]) -> Iterator[Refresh]:
    """Each event about these issues becomes a line, with the seconds since the beginning before it."""
    began = time.monotonic()
    with store.read() as tx:
        seen = latest_seq(tx)

    def refresh() -> None:
        nonlocal seen
        with store.read() as tx:
            events = read_events(tx, after=seen)
        for event in events:
            seen = event.seq
            told = tell(event) if event.subject in issues else None
            if told:
                typer.echo(f"[{time.monotonic() - began:6.1f} s] {visible(told)}")

    yield refresh
    refresh()


@contextmanager
def live_table(store: Store, issues: Sequence[str]) -> Iterator[Refresh]:
    """A table that is drawn over itself: one row an issue, one column a stage."""
    from rich.live import Live

    began = time.monotonic()

    def draw() -> "RenderableType":
        with store.read() as tx:
            return _drawn(tx, issues, time.monotonic() - began)

    with Live(draw(), refresh_per_second=8) as live:
        yield lambda: live.update(draw())
        live.update(draw())


def _drawn(tx: Transaction, issues: Sequence[str], seconds: float) -> "RenderableType":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    totals, busy = totals_of(tx, issues), at_work(tx, issues)
    cards = [card for card in list_cards(tx) if card.id in issues]
    done = sum(card.state is CardState.DONE for card in cards)
    caption = (
        f"{done} of {len(cards)} done · {totals.merged} merged · {totals.turns} model turns · "
        f"{totals.test_runs} test runs · {seconds:.0f} s"
    )
    table = Table(box=SIMPLE_HEAD, caption=caption, caption_justify="left")
    table.add_column("issue", no_wrap=True)
    for stage in STAGES.values():
        table.add_column(stage, justify="center")
    # The last column gives way where the screen is narrow.
    table.add_column("now", no_wrap=True, overflow="ellipsis", ratio=1)
    for card in cards:
        table.add_row(card.id, *_marks(card), visible(busy.get(card.id) or _resting(card)))
    return table


def _marks(card: Card) -> list[str]:
    reached = REACHED.get(card.state, 0)
    if card.state is CardState.DONE:
        return ["[green]✓[/]"] * len(STAGES)
    here = "[red]■[/]" if card.state not in REACHED else "[yellow]▶[/]"
    return ["[green]✓[/]" if place < reached else here if place == reached else "·" for place in range(len(STAGES))]


def _resting(card: Card) -> str:
    if card.wait_reason is not None:
        return f"waits for {card.wait_reason}: {card.note}"
    return {CardState.DONE: "", CardState.READY: "waits for its turn"}.get(card.state, "between two steps")
