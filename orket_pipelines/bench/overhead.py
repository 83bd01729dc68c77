"""What the line costs on top of its means: a rock of independent issues, two model turns each, no model latency.

The author calls one tool and asks for a review, the guard approves. Measured with code, forge
and workbench that do nothing but remember; then with each real layer added. The floor stays the same: what git,
processes and Dagster cost by themselves shows as what a layer adds.
"""

import json
import os
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.bench import under_dagster
from orket_pipelines.bench.floor import Cost, agent_steps, commits
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.cards.importing import import_cards
from orket_pipelines.delivery import Factory, Result, deliver_rock, open_factory
from orket_pipelines.errors import OrketError
from orket_pipelines.forge import LocalForge, MemoryForge
from orket_pipelines.git import GitCode, MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.workbench import MemoryWorkbenches, ProcessWorkbenches

ROCK = "bench"
ISSUES = 100
DAGSTER_ISSUES = 20
"""Dagster records some thirty events for an issue, each on disk before the next: fewer issues tell as much."""
WARM_UP = 4
"""Issues delivered before anything is measured: what a process does once counts neither here nor in the floor."""
TURNS = 2
LAYERS = ("null", "git", "processes")
"""Each adds to the one before: code, forge and workbench in memory, nothing deployed; real git and the local forge;
real processes, and whatever there is to deploy.
The last, `dagster`, is the same again as a run of the job `deliver_rock`."""

PLAYBOOK = {
    "cards": {
        "default": {
            "coder": [
                {
                    "purpose": "work",
                    "turns": [
                        {
                            "calls": [
                                {"write_file": {"path": "notes.txt", "content": "Noted.\n"}},
                                {"request_state": {"state": "ready_for_testing", "summary": "done"}},
                            ]
                        }
                    ],
                }
            ],
            "integrity_guard": [
                {
                    "purpose": "review",
                    "turns": [{"calls": [{"submit_review": {"verdict": "approve", "body": "good"}}]}],
                }
            ],
        }
    }
}


@dataclass(frozen=True, slots=True)
class Run:
    """One measured delivery: its cost, and how many commits the store made in it."""

    cost: Cost
    commits: int


def measure(report: Report) -> list[Metric]:
    """CPU and wall time per issue, for each layer, beside the floor of as many commits and model steps."""
    metrics: list[Metric] = []
    for layer in LAYERS:
        report(f"{ISSUES} issues, layer {layer}")
        with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
            _deliver(Path(folder, "warm-up"), layer, WARM_UP)
            run = _deliver(Path(folder, "measured"), layer, ISSUES)
            metrics += _compare(layer, run, Path(folder))
    report(f"{DAGSTER_ISSUES} issues, layer dagster")
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
        cost = under_dagster.deliver(_import(Path(folder, "measured"), DAGSTER_ISSUES), ROCK, PLAYBOOK)
        scaled = Run(cost.per(DAGSTER_ISSUES).times(ISSUES), run.commits)
        return metrics + _compare("dagster", scaled, Path(folder))


def _compare(layer: str, run: Run, folder: Path) -> list[Metric]:
    floor = commits(folder, run.commits) + agent_steps(ISSUES * TURNS)
    mine, bare = run.cost.per(ISSUES), floor.per(ISSUES)
    return [
        against(f"overhead.{layer}.cpu_per_issue", mine.cpu * 1e3, "ms", bare.cpu * 1e3),
        against(f"overhead.{layer}.wall_per_issue", mine.wall * 1e3, "ms", bare.wall * 1e3),
        Metric(f"overhead.{layer}.commits_per_issue", round(run.commits / ISSUES, 2), "commits"),
    ]


def _deliver(folder: Path, layer: str, issues: int) -> Run:
    with _factory(_import(folder, issues), layer) as factory:
        committed = factory.store.commits
        before, wall = os.times(), time.monotonic()
        delivered = deliver_rock(factory, ROCK, stop=threading.Event())
        wall, after = time.monotonic() - wall, os.times()
        committed = factory.store.commits - committed
        failed = [found for found in delivered if found.result is not Result.DONE]
        if failed:
            raise OrketError(f"{len(failed)} issues were not delivered; the first: {failed[0].reason}")
    # Children count: git and commands are processes.
    cpu = sum(after[:4]) - sum(before[:4])
    return Run(Cost(cpu, wall), committed)


def _factory(folder: Path, layer: str) -> Factory:
    settings = Settings(home=folder, concurrency=4)
    real = open_factory(settings)
    models = Scripted(Playbook.model_validate(PLAYBOOK))
    code = MemoryCode(files=False) if layer == "null" else GitCode(folder / "repositories")
    forge = MemoryForge(code) if layer == "null" else LocalForge(real.store, code)
    workbenches = ProcessWorkbenches() if layer == "processes" else MemoryWorkbenches()
    stage = real.stage if layer == "processes" else None
    return replace(real, models=models, code=code, forge=forge, workbenches=workbenches, stage=stage)


def _import(folder: Path, issues: int) -> Path:
    """A home with the bench's cards in its store."""
    folder.mkdir()
    with open_factory(Settings(home=folder)) as factory:
        seats = frozenset({"coder", "integrity_guard"})
        imported = import_cards(factory.store, [_write_cards(folder, issues)], seats=seats)
    if imported.problems:
        raise OrketError(f"the bench's cards are not accepted: {imported.problems[0]}")
    return folder


def _write_cards(folder: Path, count: int) -> Path:
    parts = {name: [name] for name in ("managers", "engines", "accessors")}
    issues = [{"id": f"bench-{number:03}", "name": f"Issue {number}", "seat": "coder"} for number in range(count)]
    epic = {
        "id": "bench-all",
        "name": "All",
        "issues": issues,
        "architecture": parts,
    }
    params = {"repository": "bench", "test_command": ["true"]}
    path = folder / "cards.json"
    path.write_text(json.dumps({"rock": {"id": ROCK, "name": "Bench", "params": params, "epics": [epic]}}))
    return path
