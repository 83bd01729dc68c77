"""What sensors share: the settings and the store of this moment, to read and no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from orket_pipelines.settings import Settings, load_settings
from orket_pipelines.store import Transaction
from resources.records import open_for_reading

UNFINISHED = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)
NOTHING_YET = "There are no cards yet. Import some: orket cards import examples/todo/cards"
SWITCH_ON = "Automation is off, so nothing is started. Switch it on: ORKET_AUTOMATION=true, or in workspace.json"


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the factory."""

    settings: Settings
    tx: Transaction


@contextmanager
def reading() -> Iterator[Reading | None]:
    """One consistent view; None where nothing was ever imported."""
    settings = load_settings()
    store = open_for_reading(settings)
    if store is None:
        yield None
        return
    try:
        with store.read() as tx:
            yield Reading(settings, tx)
    finally:
        store.close()


def partitions_under_way(instance: DagsterInstance, job_name: str) -> set[str]:
    """The partitions for which this job is queued or runs."""
    runs = instance.get_runs(RunsFilter(job_name=job_name, statuses=UNFINISHED))
    return {run.tags.get("dagster/partition", "") for run in runs}
