"""Announces runs that failed."""

from dagster import (
    DefaultSensorStatus,
    RunConfig,
    RunFailureSensorContext,
    RunRequest,
    SkipReason,
    run_failure_sensor,
)

from jobs.delivery import deliver_issue, deliver_rock
from jobs.reporting import failure_of, record_run_failures, report_events


@run_failure_sensor(
    monitored_jobs=[deliver_rock, deliver_issue, report_events],
    request_job=record_run_failures,
    default_status=DefaultSensorStatus.RUNNING,
    description="For each run that fails: says in its log which steps failed and why, and has the failure written into "
    "the factory's event log, where SQL and the terminal see it.",
)
def run_failures(context: RunFailureSensorContext) -> RunRequest | SkipReason:
    """One recording run per failed run."""
    run = context.dagster_run
    failed = failure_of(context.instance, run.run_id)
    for step, told in failed["steps"].items():
        context.log.warning("%s of %s, %s: %s", run.job_name, failed["partition"], step, told)
    config = RunConfig(ops={"record": {"config": {"run_id": run.run_id}}})
    return RunRequest(run_key=run.run_id, run_config=config, tags={"orket/failed_run": run.run_id})
