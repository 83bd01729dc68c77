"""The bench of the line delivers on every layer that it measures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orket_pipelines.bench import bare_git, overhead
from orket_pipelines.bench.floor import conversations

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layer", overhead.LAYERS)
def test_every_layer_delivers_what_is_measured(layer: str, tmp_path: Path) -> None:
    run = overhead._deliver(tmp_path, layer, 2)
    assert run.cost.cpu > 0
    assert run.commits >= 2 * 10


def test_the_floor_holds_as_many_conversations_as_it_is_asked_for() -> None:
    assert 0 < conversations(1).cpu < conversations(40).cpu


def test_issues_delivered_by_hand_are_in_the_main_line(tmp_path: Path) -> None:
    assert bare_git.deliver(tmp_path, 2, tests=["test", "-f", "README.md"]).cpu > 0
    listing = ["git", "ls-tree", "--name-only", "main"]
    told = subprocess.run(listing, cwd=tmp_path / "origin.git", capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["README.md", "issue-0.txt", "issue-1.txt"]


def test_a_bare_run_of_dagster_records_what_it_is_asked_for() -> None:
    asked = json.dumps({"steps": 2, "materializations": 4, "checks": 2, "logs": 2})
    command = [sys.executable, "-m", "orket_pipelines.server.bare_run", asked]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    (cost,) = (json.loads(line) for line in told.stdout.splitlines() if line.startswith("{"))
    assert cost["cpu"] > 0
    # Dagster says of each event in its own log what it is.
    assert told.stderr.count("ASSET_MATERIALIZATION - ") == 4
    assert told.stderr.count("ASSET_CHECK_EVALUATION - ") == 2
