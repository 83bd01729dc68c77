"""The jobs that keep Dagster's picture true: report what no run reported, count again, end runs whose process died."""

from typing import Any

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, OpExecutionContext, RunsFilter, job, op

from assets.bridge import Bridge
from assets.inputs import changed_inputs
from assets.metrics import daily_made, days_missing, days_of, session_history_made
from assets.recorder import Recorder
from assets.telling import Teller
from jobs.threads_executor import threads_executor
from orket_pipelines.store import append, read_events
from resources import RecordsResource
from resources.interruption import stop_flag
from resources.leases import living_runs, lost_runs

BRIDGE = "dagster-bridge"
RUN_FAILED = "run.failed"
UNFINISHED = (DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING)


@op(name="report", description="Logs what happened outside of any run, each event once, then counts the days again.")
def report_rest(context: OpExecutionContext, records: RecordsResource) -> None:
    """One bridging run at a time: a second one waits."""
    settings, store, leases = records.settings, records.store, records.leases
    recorder = Recorder.live(context)
    with leases.holding(BRIDGE, stop=stop_flag(context.run_id)):
        recorder.record(changed_inputs(context.instance, settings))
        teller = Teller(recorder, store, settings.home)
        bridge = Bridge(context.instance, teller, context.run_id, lambda: living_runs(store, leases))
        events = bridge.report_rest()
        context.log.info("%d events are dealt with", len(events))
        days = {*days_of(event.at for event in events), *days_missing(context.instance)}
        recorder.record(daily_made(settings, store, sorted(days)))
        recorder.record([session_history_made(settings, store)])


@job(
    executor_def=threads_executor,
    description="Reports into Dagster what the terminal, the API and runs that died did, each event once. A sensor "
    "starts it; starting it by hand does no harm.",
)
def report_events() -> None:
    """One step."""
    report_rest()


@op(name="end", description="Marks runs as failed whose process is proven dead.")
def end_lost(context: OpExecutionContext, records: RecordsResource) -> None:
    """What such a run did is stored; only Dagster still believes that it works."""
    with records.store.read() as tx:
        lost = lost_runs(tx)
    for run in context.instance.get_runs(RunsFilter(run_ids=sorted(lost), statuses=UNFINISHED)):
        context.instance.report_run_failed(run, "The process of this run died. What it did is stored: launch again.")


@job(
    executor_def=threads_executor,
    description="Ends runs whose process died without a word, so that nothing shows as running for ever.",
)
def end_lost_runs() -> None:
    """One step."""
    end_lost()


@op(name="record", config_schema={"run_id": str}, description="Writes the failure of a run into the event log, once.")
def record_failure(context: OpExecutionContext, records: RecordsResource) -> None:
    """The event `run.failed`, so that SQL and the terminal know of it too."""
    run_id = context.op_config["run_id"]
    failed = failure_of(context.instance, run_id)
    with records.store.write() as tx:
        if not any(event.kind == RUN_FAILED for event in read_events(tx, subject=run_id)):
            append(tx, RUN_FAILED, run_id, failed)


@job(
    executor_def=threads_executor,
    description="Writes into the factory's event log that a run failed, with its failed steps.",
)
def record_run_failures() -> None:
    """One step."""
    record_failure()


def failure_of(instance: DagsterInstance, run_id: str) -> dict[str, Any]:
    """What failed in a run: its job, its partition, and what each failed step said."""
    run = instance.get_run_by_id(run_id)
    page = instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_FAILURE)
    steps = {}
    for record in page.records:
        event = record.event_log_entry.get_dagster_event()
        told = event.step_failure_data.user_failure_data
        error = event.step_failure_data.error
        steps[event.step_key or ""] = (told and told.description) or (error and error.message.strip()) or "failed"
    partition = run.tags.get("dagster/partition") if run else None
    return {"run_id": run_id, "job": run.job_name if run else "", "partition": partition, "steps": steps}
