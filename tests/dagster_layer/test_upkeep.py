"""What a dead worker left on a real engine is noticed by the sensor, and removed by the run that it asks for."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus, SensorResult, build_sensor_context
from dagster._core.storage.dagster_run import DagsterRun

from definitions import defs
from orket_pipelines.containers import (
    ContainerPurpose,
    ContainerSpec,
    DockerEngine,
    Labels,
    installation_id,
)
from orket_pipelines.containers.model import OWNER
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store, process_identity
from sensors.stale_work import stale_work

pytestmark = pytest.mark.docker
Launch = Callable[..., DagsterRun]


@pytest.fixture
def in_containers(docker_home: Path, workbench_image: str, e2e_image: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ORKET_HOME whose commands run on the engine."""
    monkeypatch.setenv("ORKET_HOME", str(docker_home))
    monkeypatch.setenv("ORKET_ISOLATION", "container")
    monkeypatch.setenv("ORKET_WORKBENCH_IMAGE", workbench_image)
    monkeypatch.setenv("ORKET_E2E_IMAGE", e2e_image)
    Store.open(load_settings().store_url).close()
    return docker_home


def dead_process() -> str:
    """The identity of a process that has ended."""
    code = "from orket_pipelines.store import process_identity; print(process_identity())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_the_container_of_a_dead_worker_is_removed_by_the_run_that_the_sensor_asks_for(
    in_containers: Path, docker_engine: DockerEngine, workbench_image: str, instance: DagsterInstance, launch: Launch
) -> None:
    owner = installation_id(in_containers)
    dead = Labels(owner, "default", "cart", ContainerPurpose.WORKBENCH, process=dead_process())
    living = replace(dead, subject="till", process=process_identity())
    for labels in (dead, living):
        docker_engine.start(
            ContainerSpec(
                f"orket-{owner[:12]}-{labels.subject}", workbench_image, ("sleep", "60"), labels, (10001, 10001)
            )
        )

    def tick() -> SensorResult:
        result = stale_work(build_sensor_context(instance=instance, definitions=defs))
        assert isinstance(result, SensorResult)
        return result

    (request,) = tick().run_requests or ()
    assert (request.job_name, tick().cursor) == ("upkeep", f'["orket-{owner[:12]}-cart"]')
    assert launch(str(request.job_name)).status is DagsterRunStatus.SUCCESS
    assert [found.labels["orket.subject"] for found in docker_engine.containers({OWNER: owner})] == ["till"]
    assert not tick().run_requests
