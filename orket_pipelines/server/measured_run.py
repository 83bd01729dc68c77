"""One run of a job of the application in this process, as a run worker does it, and what it cost: for the bench.

`python -m orket_pipelines.server.measured_run JOB PARTITION` prints `{"cpu": seconds, "wall": seconds}`; the loading of
Dagster, the definitions and the model layer is not in it, children are.
"""

import json
import os
import sys
import time
from importlib import import_module
from typing import Any

from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from orket_pipelines.settings import application_folder


def measure(job: str, partition: str) -> dict[str, float]:
    """CPU and wall time of the run, in seconds. Raises: RuntimeError where the run does not succeed."""
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
        ended = instance.get_run_by_id(created.run_id)
    if ended is None or ended.status is not DagsterRunStatus.SUCCESS:
        raise RuntimeError(f"the run of {job} for {partition} ended as {ended and ended.status}")
    return {"cpu": sum(after[:4]) - sum(before[:4]), "wall": wall}


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:3])), file=sys.stdout)  # noqa: T201 - what the bench reads
