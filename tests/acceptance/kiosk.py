"""A small rock on a real engine, with Dagster in this process, a terminal, and clocks that can be set ahead."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dagster import (
    AssetCheckEvaluation,
    AssetKey,
    AssetRecordsFilter,
    DagsterEventType,
    DagsterInstance,
    RunRequest,
    SensorDefinition,
    SensorResult,
    build_schedule_context,
    build_sensor_context,
)
from dagster._core.storage.dagster_run import DagsterRun
from typer.testing import CliRunner

from definitions import defs
from orket_pipelines.cli.application import build
from sensors import SCHEDULES, SENSORS
from tests.dagster_layer.conftest import Launcher

DAY = 86_400
Rows = list[dict[str, Any]]


class Clocks:
    """What `orket_pipelines/clock.py` reads of the machine, set ahead by `ahead` seconds: the time of day, and the time
    since it was switched on. What is waited for lasts as long as it does."""

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME
    CLOCK_MONOTONIC = time.CLOCK_MONOTONIC
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def time_ns(self) -> int:
        return time.time_ns() + int(self.ahead * 1e9)

    def clock_gettime_ns(self, clock: int) -> int:
        return time.clock_gettime_ns(clock) + int(self.ahead * 1e9)


@dataclass(frozen=True)
class Kiosk:
    """Everything that a person can do with it, and see of it."""

    environment: Mapping[str, str]
    instance: DagsterInstance
    clocks: Clocks
    requested: list[RunRequest] = field(default_factory=list)
    """What sensors and the schedule have asked for."""

    def orket(self, *arguments: str | Path) -> str:
        """What a command prints. It must succeed."""
        typed = [str(argument) for argument in arguments]
        with self.at_home():
            done = CliRunner().invoke(build(), typed, prog_name="orket")
        assert done.exit_code == 0, (typed, done.output)
        return done.stdout

    def told(self, *arguments: str) -> Any:
        """What a command tells machines."""
        return json.loads(self.orket(*arguments, "--json"))

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that answer a query."""
        return [tuple(row.values()) for row in self.told("sql", query)]

    def launch(self, job: str, partition: str | None = None) -> DagsterRun:
        """A run of this job in this process, to its end."""
        with self.at_home():
            return Launcher(self.instance)(job, partition=partition)

    def tick(self, sensor: str, **environment: str) -> list[DagsterRun]:
        """One look of this sensor, and the runs that it asks for."""
        (found,) = [each for each in SENSORS if each.name == sensor]
        with self.at_home(**environment):
            result = self._look(found)
        for addition in result.dynamic_partitions_requests or ():
            self.instance.add_dynamic_partitions(str(addition.partitions_def_name), list(addition.partition_keys))
        return self._carry_out(result.run_requests or (), job=found.jobs[0].name)

    def night_falls(self) -> list[DagsterRun]:
        """What the schedule asks for at its hour."""
        (nightly,) = SCHEDULES
        asked = nightly.evaluate_tick(build_schedule_context(self.instance)).run_requests or ()
        return self._carry_out(asked, job=nightly.job_name)

    def days_pass(self, days: float) -> None:
        self.clocks.ahead += days * DAY

    def made(self, asset: str, partition: str) -> list[str]:
        """The descriptions of all materializations of one partition, oldest first."""
        return [str(each.description) for each in self._materializations(asset, partition)]

    def metadata(self, asset: str, partition: str) -> dict[str, Any]:
        """What the newest of them says."""
        newest = self._materializations(asset, partition)[-1]
        return {name: value.value for name, value in newest.metadata.items()}

    def judged(self, asset: str, check: str, partition: str) -> list[str]:
        """What became of a check, oldest first and without repetition: green, yellow or red."""
        colours: list[str] = []
        for found in self._evaluations():
            if (found.asset_key.to_user_string(), found.check_name, found.partition) == (asset, check, partition):
                colour = "green" if found.passed else "yellow" if found.severity.value == "WARN" else "red"
                colours += [] if colours[-1:] == [colour] else [colour]
        return colours

    @contextmanager
    def at_home(self, **more: str) -> Iterator[None]:
        """Within, the settings are those of this home."""
        before = dict(os.environ)
        os.environ.update({**self.environment, **more})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def _look(self, sensor: SensorDefinition) -> SensorResult:
        result = sensor(build_sensor_context(instance=self.instance, definitions=defs))
        assert isinstance(result, SensorResult), result
        return result

    def _carry_out(self, asked: Any, *, job: str | None) -> list[DagsterRun]:
        self.requested.extend(asked)
        return [self.launch(str(each.job_name or job), each.partition_key) for each in asked]

    def _evaluations(self) -> Iterator[AssetCheckEvaluation]:
        """All of them, oldest first: what Dagster lists of a check is the last of each run alone."""
        for run in reversed(self.instance.get_runs()):
            for entry in self.instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION):
                if entry.dagster_event is not None:
                    yield entry.dagster_event.asset_check_evaluation_data

    def _materializations(self, asset: str, partition: str) -> list[Any]:
        chosen = AssetRecordsFilter(asset_key=AssetKey(asset), asset_partitions=[partition])
        records = self.instance.fetch_materializations(chosen, limit=1_000, ascending=True).records
        return [record.asset_materialization for record in records]
