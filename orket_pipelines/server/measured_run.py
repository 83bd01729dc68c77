"""One run of a job of the application in this process, as a run worker does it, and what it cost: for the bench.

`python -m orket_pipelines.server.measured_run JOB PARTITION` prints `{"cpu": seconds, "wall": seconds, "recorded": …}`;
the loading of Dagster, the definitions and the model layer is not in the times, children are. `recorded` is how many
steps, materializations, checks and lines of the log the run has.
"""

import json
import os
import sys
import time
from collections import Counter
from importlib import import_module
from typing import Any

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from orket_pipelines.settings import application_folder

RECORDED = {
    "steps": DagsterEventType.STEP_SUCCESS,
    "materializations": DagsterEventType.ASSET_MATERIALIZATION,
    "checks": DagsterEventType.ASSET_CHECK_EVALUATION,
    "logs": None,
}


def measure(job: str, partition: str) -> dict[str, Any]:
    """CPU and wall time of the run in seconds, and what it recorded. Raises: RuntimeError where it does not succeed."""
    sys.path.insert(0, str(application_folder()))
    definitions: Any = import_module("definitions")
    definition = definitions.defs.resolve_job_def(job)
    # A run worker loads the model layer with its first step: seconds that say nothing of an issue.
    import_module("orket_pipelines.agents.session")
    with DagsterInstance.local_temp() as instance:
        created = instance.create_run_for_job(definition, tags={"dagster/partition": partition})
        before, wall = os.times(), time.monotonic()
        execute_run(InMemoryJob(definition), created, instance)
        wall, after = time.monotonic() - wall, os.times()
        ended, entries = instance.get_run_by_id(created.run_id), instance.all_logs(created.run_id)
    if ended is None or ended.status is not DagsterRunStatus.SUCCESS:
        raise RuntimeError(f"the run of {job} for {partition} ended as {ended and ended.status}")
    kinds = Counter(entry.dagster_event_type for entry in entries)
    recorded = {name: kinds[kind] for name, kind in RECORDED.items()}
    return {"cpu": sum(after[:4]) - sum(before[:4]), "wall": wall, "recorded": recorded}


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:3])), file=sys.stdout)  # noqa: T201 - what the bench reads
