"""Keeps partitions and assets in step with what happens outside of runs."""

from collections.abc import Iterable

from dagster import (
    AddDynamicPartitionsRequest,
    DagsterInstance,
    DefaultSensorStatus,
    DynamicPartitionsDefinition,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.bridge import load_progress, overdue
from assets.graph import ISSUES, ROCKS
from assets.hidden_failures import hidden_failures
from jobs.reporting import report_events
from orket_pipelines.cards.model import WORKABLE, CardKind
from orket_pipelines.cards.records import list_cards
from orket_pipelines.store.events import latest_seq
from resources.leases import lost_runs, open_runs
from sensors.reading import NOTHING_YET, partitions_under_way, reading


@sensor(
    job=report_events,
    name="report_events",
    minimum_interval_seconds=5,
    default_status=DefaultSensorStatus.RUNNING,
    description="Shows here what happens elsewhere: new cards become partitions; what the terminal, the API or a run "
    "that died did is reported by a small run. Starts nothing that costs money. Its cursor is for reading only.",
)
def report_events_sensor(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """Ask for partitions that are missing, and for a bridging run where one is due."""
    with reading() as found:
        if found is None:
            return SkipReason(NOTHING_YET)
        rocks = [card.id for card in list_cards(found.tx, kinds=[CardKind.ROCK])]
        issues = [card.id for card in list_cards(found.tx, kinds=WORKABLE)]
        progress = load_progress(context.instance, found.settings.workspace)
        alive = open_runs(found.tx) - lost_runs(found.tx)
        due, newest = overdue(found.tx, progress, alive), latest_seq(found.tx)
    cursor = f"{progress.seq} of {newest} events are dealt with"
    under_way = bool(partitions_under_way(context.instance, report_events.name))
    additions = [_missing(context.instance, ROCKS, rocks), _missing(context.instance, ISSUES, issues)]
    partitions = [addition for addition in additions if addition.partition_keys]
    if (due or hidden_failures(context.instance)) and not under_way:
        tags = {"orket/events": f"{progress.seq} to {newest}"}
        return SensorResult([RunRequest(tags=tags)], dynamic_partitions_requests=partitions, cursor=cursor)
    told = "A bridging run is under way." if under_way else f"Nothing to report: {cursor}."
    return SensorResult(skip_reason=told, dynamic_partitions_requests=partitions, cursor=cursor)


def _missing(
    instance: DagsterInstance, partitions: DynamicPartitionsDefinition, wanted: Iterable[str]
) -> AddDynamicPartitionsRequest:
    known = set(instance.get_dynamic_partitions(str(partitions.name)))
    return partitions.build_add_request([key for key in wanted if key not in known])
