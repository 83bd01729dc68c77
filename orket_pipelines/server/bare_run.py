"""A run of bare Dagster that records as much as another did, and what it cost: for the bench.

`python -m orket_pipelines.server.bare_run '{"steps": …, "materializations": …, "checks": …, "logs": …}'` prints
`{"cpu": seconds, "wall": seconds}`. Every step records its share; nothing is done, and nothing is loaded in between.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DynamicOut,
    DynamicOutput,
    OpExecutionContext,
    in_process_executor,
    job,
    op,
)


def measure(steps: int, materializations: int, checks: int, logs: int) -> dict[str, float]:
    """CPU and wall time of the run, in seconds. The counts are of the whole run."""

    @op(out=DynamicOut(int))
    def plan() -> Iterator[Any]:
        for number in range(steps):
            yield DynamicOutput(number, str(number))

    @op
    def record(context: OpExecutionContext, number: int) -> None:
        for count in range(materializations // steps):
            context.log_event(AssetMaterialization(f"asset_{count}", partition=str(number)))
        for count in range(checks // steps):
            # It takes checks as well; only its annotation does not say so.
            context.log_event(_passed(count))  # type: ignore[arg-type]
        for _ in range(logs // steps):
            context.log.info("recorded")

    @job(executor_def=in_process_executor)
    def bare() -> None:
        plan().map(record)

    with DagsterInstance.local_temp() as instance:
        before, wall = os.times(), time.monotonic()
        bare.execute_in_process(instance=instance)
        wall, after = time.monotonic() - wall, os.times()
    return {"cpu": sum(after[:4]) - sum(before[:4]), "wall": wall}


def _passed(number: int) -> AssetCheckEvaluation:
    return AssetCheckEvaluation(asset_key=AssetKey(f"asset_{number}"), check_name="passed", passed=True, metadata={})


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))), file=sys.stdout)  # noqa: T201 - what the bench reads
