"""Tells Dagster of the events of an issue: what they mean for the issue, and for the rock that it belongs to."""

from collections.abc import Callable

from assets.history import History, follow
from assets.inputs import card_files_made
from assets.model import Report
from assets.recorder import Recorder
from assets.reports import reports_of
from assets.rocks import rock_reports, rock_standing
from orket_pipelines.store import Event, Store

SHOWN_IN_ROCK = frozenset({"ready", "blocked", "waiting_for_developer", "done", "canceled"})
"""Moves into or out of these change what a rock shows of itself; from test to review it goes on as it was."""


class IssueReporter:
    """Follows one issue, and reports those of its events that this run causes."""

    def __init__(
        self, card_id: str, store: Store, recorder: Recorder, run_id: str, on_claim: Callable[[], None]
    ) -> None:
        self.history = History(card_id)
        self._store, self._recorder, self._run_id, self._on_claim = store, recorder, run_id, on_claim
        self._claimed = False

    def __call__(self, event: Event) -> None:
        self.history = follow(self.history, event)
        if event.run_id != self._run_id:
            return
        if not self._claimed:
            self._claimed = True
            self._on_claim()
        record_event(self._recorder, self._store, event, self.history)


def record_event(
    recorder: Recorder, store: Store, event: Event, history: History, *, but: frozenset[tuple[str, str]] = frozenset()
) -> None:
    """Report one event; a card that moves shows in its rock too."""
    recorder.record(reports_of(event, history), event=event.seq, but=but)
    rock_id = event.subject if history.kind == "rock" else history.rock_id
    about_rock = event.kind in {"card.created", "card.changed"} and history.kind == "rock"
    about_issue = event.kind == "card.moved" and bool({event.payload["from"], event.payload["to"]} & SHOWN_IN_ROCK)
    if rock_id is not None and (about_rock or about_issue):
        recorder.record(_rock_reports(store, rock_id, with_files=about_rock), event=event.seq, but=but)


def _rock_reports(store: Store, rock_id: str, *, with_files: bool) -> list[Report]:
    with store.read() as tx:
        found = rock_standing(tx, rock_id)
    files = card_files_made(store, rock_id) if with_files else None
    return [*([files] if files else []), *(rock_reports(found) if found else [])]
