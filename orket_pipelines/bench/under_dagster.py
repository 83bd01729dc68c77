"""The same delivery as a run of Dagster: the job `deliver_rock` with a step for each issue, its assets and checks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from orket_pipelines.bench.floor import Cost
from orket_pipelines.errors import OrketError

LIMIT = 600.0
"""Seconds after which the run is given up."""


def deliver(home: Path, rock_id: str, playbook: dict[str, Any]) -> Cost:
    """What the run costs once Dagster is loaded. The cards are in the store of `home` already."""
    scripts = home / "playbooks" / "bench"
    scripts.mkdir(parents=True)
    # JSON is YAML too.
    (scripts / "playbook.yaml").write_text(json.dumps(playbook))
    environment = os.environ | {"ORKET_HOME": str(home), "ORKET_PLAYBOOKS": str(scripts.parent)}
    command = [sys.executable, "-m", "orket_pipelines.server.measured_run", "deliver_rock", rock_id]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode != 0:
        raise OrketError(f"the run under Dagster failed: {done.stderr.strip().splitlines()[-1:]}")
    return Cost(**json.loads(done.stdout.splitlines()[-1]))
