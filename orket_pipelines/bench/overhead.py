"""What the line costs on top of its means: a rock of independent issues, two model turns each, no model latency.

Measured with code, forge and workbench that do nothing but remember; then with each real layer added. The floor stays
the same: what git, processes and Dagster cost by themselves shows as what a layer adds.

The floor is as many commits, and the same two conversations of bare agents. Where a metric names `long_runs`, it is as
many steps of one bare agent that goes on for 25 of them: less than two conversations cost, whoever holds them. Where it
names `bare_layers`, the layers' own floors are in it: git as somebody uses it by hand, the tests as bare processes, and
a run of bare Dagster that records as much.

The null layer and its floor are measured in turn, and the round told of whose ratio of CPU is the middle one: how long
the same takes differs by half from one second to the next where others use the machine too.
"""

import os
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.bench import bare_git, under_dagster
from orket_pipelines.bench.floor import Cost, agent_steps, commits, conversations
from orket_pipelines.bench.line import PROOF, SCRIPT, TURNS, import_rocks, null_factory, null_workbenches
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.delivery import Factory, Result, deliver_rock, open_factory
from orket_pipelines.delivery.factory import open_forge
from orket_pipelines.errors import OrketError
from orket_pipelines.git import GitCode
from orket_pipelines.settings import Settings
from orket_pipelines.workbench import ProcessWorkbenches

ROCK = "bench"
ISSUES = 100
DAGSTER_ISSUES = 20
"""Dagster records some thirty events for an issue, each on disk before the next: fewer issues tell as much."""
BY_HAND = 30
"""Issues of the floor of real git, which vary little."""
ROUNDS = 5
"""Of the null layer, whose ratio is what is judged; what the others add is many times what differs."""
WARM_UP = 4
"""Issues delivered before anything is measured: what a process does once counts neither here nor in the floor."""
LAYERS = ("null", "git", "processes")
"""Each adds to the one before: code, forge and workbench in memory, nothing deployed; real git and the local forge;
real processes, and whatever there is to deploy.
The last, `dagster`, is the same again as a run of the job `deliver_rock`."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measured delivery: its cost, and how many commits the store made in it."""

    cost: Cost
    commits: int


@dataclass(frozen=True, slots=True, order=True)
class Round:
    """A delivery, and what its floors cost an issue right after it."""

    ratio: float
    run: Run = field(compare=False)
    floor: Cost = field(compare=False)
    long_runs: Cost = field(compare=False)


def measure(report: Report) -> list[Metric]:
    """CPU and wall time per issue, for each layer, beside the floor of as many commits and model steps."""
    metrics: list[Metric] = []
    for layer in LAYERS:
        rounds = ROUNDS if layer == LAYERS[0] else 1
        with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
            _deliver(Path(folder, "warm-up"), layer, WARM_UP)
            found = []
            for number in range(rounds):
                report(f"{ISSUES} issues, layer {layer}, round {number + 1} of {rounds}")
                found.append(_round(Path(folder, str(number)), layer))
            middle = statistics.median_low(found)
            metrics += _metrics(layer, middle)
            if layer != LAYERS[0]:
                bare = _by_hand(Path(folder, "by-hand"), layer)
                metrics += _beside_bare(layer, middle, bare)
    report(f"{DAGSTER_ISSUES} issues, layer dagster")
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
        home = Path(folder, "measured")
        import_rocks(Settings(home=home, database_url=None), [ROCK], DAGSTER_ISSUES)
        cost, recording = under_dagster.deliver(home, ROCK, SCRIPT)
        # The line commits as often as in the layer below.
        scaled = _beside_floor(Run(cost.per(DAGSTER_ISSUES).times(ISSUES), middle.run.commits), home)
        bare += recording.per(DAGSTER_ISSUES)
        return [*metrics, *_metrics("dagster", scaled), *_beside_bare("dagster", scaled, bare)]


def _by_hand(folder: Path, layer: str) -> Cost:
    """What the layer's means cost an issue without us."""
    folder.mkdir()
    return bare_git.deliver(folder, BY_HAND, tests=PROOF if layer == "processes" else ()).per(BY_HAND)


def _round(folder: Path, layer: str) -> Round:
    folder.mkdir()
    return _beside_floor(_deliver(folder / "measured", layer, ISSUES), folder)


def _beside_floor(run: Run, folder: Path) -> Round:
    durable = commits(folder, run.commits)
    bare, steps = durable + conversations(ISSUES), durable + agent_steps(ISSUES * TURNS)
    return Round(run.cost.cpu / bare.cpu, run, bare.per(ISSUES), steps.per(ISSUES))


def _metrics(layer: str, found: Round) -> list[Metric]:
    mine, bare = found.run.cost.per(ISSUES), found.floor
    return [
        against(f"overhead.{layer}.cpu_per_issue", mine.cpu * 1e3, "ms", bare.cpu * 1e3),
        against(f"overhead.{layer}.wall_per_issue", mine.wall * 1e3, "ms", bare.wall * 1e3),
        against(f"overhead.{layer}.cpu_per_issue_long_runs", mine.cpu * 1e3, "ms", found.long_runs.cpu * 1e3),
        Metric(f"overhead.{layer}.commits_per_issue", round(found.run.commits / ISSUES, 2), "commits"),
    ]


def _beside_bare(layer: str, found: Round, bare: Cost) -> list[Metric]:
    mine, floor = found.run.cost.per(ISSUES), found.floor + bare
    return [
        against(f"overhead.{layer}.cpu_per_issue_bare_layers", mine.cpu * 1e3, "ms", floor.cpu * 1e3),
        against(f"overhead.{layer}.wall_per_issue_bare_layers", mine.wall * 1e3, "ms", floor.wall * 1e3),
    ]


def _deliver(folder: Path, layer: str, issues: int) -> Run:
    settings = Settings(home=folder, database_url=None, concurrency=4)
    import_rocks(settings, [ROCK], issues)
    with _factory(settings, layer) as factory:
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


def _factory(settings: Settings, layer: str) -> Factory:
    """The null factory, with the layers up to `layer` real."""
    if layer == "null":
        return null_factory(settings)
    real, code = open_factory(settings), GitCode(settings.home / "repositories")
    models, forge = Scripted(Playbook.model_validate(SCRIPT)), open_forge(real.settings, real.store, code)
    made = replace(real, models=models, code=code, forge=forge, workbenches=ProcessWorkbenches())
    return made if layer == "processes" else replace(made, workbenches=null_workbenches(), stage=None)
