"""The same under Dagster: a delivery as a run of the job `deliver_rock`, and the views of what was delivered."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from orket_pipelines.bench.floor import Cost
from orket_pipelines.errors import OrketError

LIMIT = 600.0
"""Seconds after which the run is given up."""


def deliver(home: Path, rock_id: str, playbook: dict[str, Any]) -> tuple[Cost, Cost]:
    """What the run costs once Dagster is loaded, and a bare run that records as much.

    The cards are in the store of `home` already.
    """
    scripts = home / "playbooks" / "bench"
    scripts.mkdir(parents=True)
    # JSON is YAML too.
    (scripts / "playbook.yaml").write_text(json.dumps(playbook))
    environment = {"ORKET_HOME": str(home), "ORKET_PLAYBOOKS": str(scripts.parent)}
    found = _run("orket_pipelines.server.measured_run", "deliver_rock", rock_id, **environment)
    bare = _run("orket_pipelines.server.bare_run", json.dumps(found.pop("recorded")))
    return Cost(**found), Cost(**bare)


def ask_for_partitions(rocks: int, issues: int) -> tuple[float, float]:
    """Seconds that the UI waits for the partitions of so many rocks and issues, and its storage alone."""
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as home:
        asked = "orket_pipelines.server.measured_partitions"
        found = _run(asked, str(rocks), str(issues), ORKET_HOME=home, PYTHONWARNINGS="ignore")
    return found["query"], found["bare"]


def _run(module: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """What the module tells in a line of JSON. Dagster is loaded in a process of its own."""
    command = [sys.executable, "-m", module, *arguments]
    # The store of this bench is its own, whatever a workspace of the same machine uses.
    given = {name: value for name, value in os.environ.items() if name != "ORKET_DATABASE_URL"} | environment
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        raise OrketError(f"what runs under Dagster failed: {done.stderr.strip().splitlines()[-1:]}")
    # Dagster's own processes write to the same place, before it and after.
    (told,) = (line for line in done.stdout.splitlines() if line.startswith('{"'))
    found: dict[str, Any] = json.loads(told)
    return found
