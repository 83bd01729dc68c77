"""A run that is terminated as the UI does it, while an agent's command runs in a container on a real engine."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.containers import DockerEngine, installation_id
from orket_pipelines.containers.model import OWNER, RUN
from tests.acceptance.conftest import ROCKS, Factory, equip, serving

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(240)]
LAUNCH = """mutation ($parameters: ExecutionParams!) {
  launchRun(executionParams: $parameters) { ... on LaunchRunSuccess { run { runId } } ... on Error { message } }
}"""
TERMINATE = """mutation ($run: String!) {
  terminateRun(runId: $run) { ... on TerminateRunSuccess { run { runId } } ... on Error { message } }
}"""
STATUS = "query ($run: ID!) { runOrError(runId: $run) { ... on Run { status } } }"
CHECKPOINT = 10.0
"""Seconds from the request to the end of the run, with everything so far stored."""
GRACE = 2.0
"""Seconds after the end of a run until nothing of it may be left."""


def launch(factory: Factory, rock: str) -> str:
    """Launch the rock's delivery; the run's id."""
    job = {"repositoryLocationName": "orket", "repositoryName": "__repository__", "jobName": "deliver_rock"}
    tags = {"dagster/partition": rock, "dagster/partition_set": "deliver_rock_partition_set"}
    metadata = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
    answer: dict[str, Any] = factory.ask(LAUNCH, parameters={"selector": job, "executionMetadata": metadata})
    assert "run" in answer["launchRun"], answer
    return str(answer["launchRun"]["run"]["runId"])


def status(factory: Factory, run: str) -> str:
    return str(factory.ask(STATUS, run=run)["runOrError"]["status"])


def until(holds: Callable[[], bool], limit: float, what: str) -> None:
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def test_a_terminated_run_leaves_no_container_two_seconds_after_its_end(
    docker_home: Path, docker_engine: DockerEngine, workbench_image: str, e2e_image: str, tmp_path: Path
) -> None:
    images = {"ORKET_WORKBENCH_IMAGE": workbench_image, "ORKET_E2E_IMAGE": e2e_image}
    factory = equip(tmp_path, docker_home, [ROCKS / "tide"], ORKET_ISOLATION="container", **images)
    ours = {OWNER: installation_id(docker_home)}
    with serving(factory, tmp_path, rock="tide"):
        run = launch(factory, "tide")
        until(lambda: bool(docker_engine.containers(ours | {RUN: run})), 60, "the agent never ran a command")
        assert "run" in factory.ask(TERMINATE, run=run)["terminateRun"]
        until(lambda: status(factory, run) == "CANCELED", CHECKPOINT, "the run took too long to end")
        until(lambda: not docker_engine.containers(ours), GRACE, "a container outlived its run")
        assert factory.states("tide")["tide-table"] != "done"
