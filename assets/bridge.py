"""The bridge: what no run reported (the CLI's work, runs that died) is reported into Dagster, each event once.

How far it came is kept in Dagster's own database, beside what it wrote: whoever deletes DAGSTER_HOME gets everything
told again. A batch that dies is no loss and no repetition: before anything is logged, the run that logs is noted, and
its successor asks Dagster's event log what it had written.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace

from dagster import DagsterEventType, DagsterInstance

from assets.hidden_failures import restate
from assets.history import History, follow
from assets.recorder import event_of, label_of
from assets.telling import Teller
from orket_pipelines.store import Event, Transaction, read_events
from orket_pipelines.store.events import runs_since
from resources.feed import all_events

BATCH = 200
"""Events dealt with between two saves of the progress."""
RECORDS = 1_000
LOGGED = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
}
TOLD = ("bug.", "bug_phase.", "card.", "code.", "tests.", "pull_request.", "policy.", "sandbox.")
"""The kinds of events that the asset graph shows; the others need no bridge."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Every event up to `seq` is dealt with, but for those of runs in `held` (run id: the seq before its first such
    event), which were still alive. `writers` are the bridging runs that may have logged beyond `seq`."""

    seq: int = 0
    held: Mapping[str, int] = field(default_factory=dict)
    writers: tuple[str, ...] = ()


def load_progress(instance: DagsterInstance, workspace: str) -> Progress:
    """How far the bridge came in this Dagster instance."""
    key = _key(workspace)
    found = instance.daemon_cursor_storage.get_cursor_values({key}).get(key)
    if not found:
        return Progress()
    stored = json.loads(found)
    return Progress(stored["seq"], stored["held"], tuple(stored["writers"]))


def save_progress(instance: DagsterInstance, workspace: str, progress: Progress) -> None:
    """Remember it, durably."""
    instance.daemon_cursor_storage.set_cursor_values({_key(workspace): json.dumps(asdict(progress))})


def overdue(tx: Transaction, progress: Progress, alive: Collection[str]) -> bool:
    """Whether anything waits to be reported now: a held run that ended, or an event that no living run will report."""
    return any(run_id not in alive for run_id in (*progress.held, *runs_since(tx, progress.seq)))


class Bridge:
    """One bridging run. `living_runs` are those that still work, and so report their events themselves."""

    def __init__(
        self, instance: DagsterInstance, teller: Teller, run_id: str, living_runs: Callable[[], set[str]]
    ) -> None:
        self._instance, self._teller = instance, teller
        self._store, self._recorder = teller.store, teller.recorder
        self._run_id, self._living_runs = run_id, living_runs
        self._histories: dict[str, tuple[int, History]] = {}
        self._logged: dict[str, frozenset[tuple[str, str]]] = {}

    def report_rest(self) -> list[Event]:
        """Report all that is overdue; the events dealt with."""
        dealt_with: list[Event] = []
        while True:
            progress = self._begin()
            # One look for the whole batch: a run that ends meanwhile is dealt with in the next.
            alive = self._living_runs()
            self._release(progress, alive)
            with self._store.read() as tx:
                batch = read_events(tx, after=progress.seq, limit=BATCH)
            held = {run_id: seq for run_id, seq in progress.held.items() if run_id in alive}
            for event in batch:
                if event.run_id in alive:
                    held.setdefault(event.run_id, event.seq - 1)
                else:
                    self._report(event, progress, up_to=event.seq)
            self._recorder.release()
            restate(self._instance, self._recorder, self._run_id)
            seq = batch[-1].seq if batch else progress.seq
            save_progress(self._instance, self._store.workspace_id, Progress(seq, held))
            dealt_with += batch
            if not batch:
                return dealt_with

    def _begin(self) -> Progress:
        progress = load_progress(self._instance, self._store.workspace_id)
        progress = replace(progress, writers=(*progress.writers, self._run_id))
        save_progress(self._instance, self._store.workspace_id, progress)
        return progress

    def _release(self, progress: Progress, alive: Collection[str]) -> None:
        """Report what held runs left when they ended, as what it has become since: later events are told already."""
        for run_id, seq in progress.held.items():
            if run_id not in alive:
                for event in all_events(self._store, after=seq, up_to=progress.seq, run_id=run_id):
                    self._report(event, progress, up_to=progress.seq)

    def _report(self, event: Event, progress: Progress, *, up_to: int) -> None:
        if not event.kind.startswith(TOLD):
            return
        earlier = {run_id for run_id in (event.run_id, *progress.writers) if run_id and run_id != self._run_id}
        told = frozenset[tuple[str, str]]().union(*map(self._logged_by, earlier))
        self._teller.tell(event, self._history(event.subject, up_to), but=told)

    def _logged_by(self, run_id: str) -> frozenset[tuple[str, str]]:
        """What a run that is over wrote: (label, event) pairs."""
        if run_id not in self._logged:
            self._logged[run_id] = frozenset(_read_logged(self._instance, run_id))
        return self._logged[run_id]

    def _history(self, subject: str, up_to: int) -> History:
        """The history of a subject up to and with this seq."""
        seq, history = self._histories.get(subject, (0, History(subject)))
        for event in all_events(self._store, subject=subject, after=seq, up_to=up_to):
            history = follow(history, event)
        self._histories[subject] = (up_to, history)
        return history


def _read_logged(instance: DagsterInstance, run_id: str) -> Iterable[tuple[str, str]]:
    cursor = None
    while True:
        page = instance.get_records_for_run(run_id, cursor=cursor, of_type=LOGGED, limit=RECORDS)
        for record in page.records:
            entry = record.event_log_entry
            logged = entry.asset_materialization or entry.asset_observation or entry.asset_check_evaluation
            if logged is not None and (event := event_of(logged)) is not None:
                yield label_of(logged), event
        if not page.has_more:
            return
        cursor = page.cursor


def _key(workspace: str) -> str:
    return f"orket/bridge/{workspace}"
