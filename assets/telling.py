"""Tells Dagster of the events of an issue: what they mean for the issue, and for the rock that it belongs to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assets.bottlenecks import bottleneck_judged
from assets.bug_phases import phase_reports
from assets.history import History, follow
from assets.inputs import card_files_made
from assets.model import Report
from assets.pictures import illustrated
from assets.recorder import Recorder
from assets.reports import reports_of
from assets.rocks import rock_reports, rock_standing
from orket_pipelines.cards.model import WAITING
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Event, Store

SHOWN_IN_ROCK = frozenset({"ready", "blocked", "waiting_for_developer", "done", "canceled"})
"""Moves into or out of these change what a rock shows of itself; from test to review it goes on as it was."""

OF_BUGS = ("bug.", "bug_phase.")
"""The kinds of events that change what a bug-fix phase shows of itself, besides moves of its bugs."""


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells of events through `recorder`; what they leave out stands in `store`, and pictures lie under `home`."""

    recorder: Recorder
    store: Store
    home: Path

    def tell(self, event: Event, history: History, *, but: frozenset[tuple[str, str]] = frozenset()) -> None:
        """Report one event; a card that moves shows in its rock too."""
        self.recorder.record(illustrated(reports_of(event, history), history, self.home), event=event.seq, but=but)
        rock_id = event.subject if history.kind == "rock" else history.rock_id
        about_rock = event.kind in {"card.created", "card.changed"} and history.kind == "rock"
        about_issue = event.kind == "card.moved" and bool({event.payload["from"], event.payload["to"]} & SHOWN_IN_ROCK)
        if rock_id is not None and (about_rock or about_issue):
            self.recorder.record(_rock_reports(self.store, rock_id, with_files=about_rock), event=event.seq, but=but)
        if rock_id is not None and (about_issue or event.kind.startswith(OF_BUGS)):
            rules = load_settings().bug_phases
            self.recorder.record(phase_reports(self.store, rock_id, rules), event=event.seq, but=but)
        if (
            rock_id is not None
            and event.kind == "card.moved"
            and {event.payload["from"], event.payload["to"]} & WAITING
        ):
            self.recorder.record([bottleneck_judged(self.store, rock_id)], event=event.seq, but=but)


class IssueReporter:
    """Follows one issue, and reports those of its events that this run causes."""

    def __init__(self, card_id: str, teller: Teller, run_id: str, on_claim: Callable[[], None]) -> None:
        self.history = History(card_id)
        self._teller, self._run_id, self._on_claim = teller, run_id, on_claim
        self._claimed = False

    def __call__(self, event: Event) -> None:
        self.history = follow(self.history, event)
        if event.run_id != self._run_id:
            return
        if not self._claimed:
            self._claimed = True
            self._on_claim()
        self._teller.tell(event, self.history)


def _rock_reports(store: Store, rock_id: str, *, with_files: bool) -> list[Report]:
    with store.read() as tx:
        found = rock_standing(tx, rock_id)
    files = card_files_made(store, rock_id) if with_files else None
    return [*([files] if files else []), *(rock_reports(found) if found else [])]
