"""What sandboxes cost beside bare `docker run`: from the plan of a FastAPI and a page of files to answers of both.

One, three and ten are deployed at once, and removed at once; then one gets other code, beside a restart of its
containers. Dependencies are installed and the page is built before anything is measured; what the build adds is told
apart. Ours and the floor take turns, so that whatever else the machine does hits both.
"""

import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.bench.bare_docker import restart_bare, run_bare
from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.bench.pair import demand_docker, deploy, lay_out_pair, opened_sandboxes
from orket_pipelines.sandboxes import DeployedSandboxes, Sandbox
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.planning import plan
from orket_pipelines.settings import load_settings

ROUNDS = 5
CROWDS = {1: ROUNDS, 3: 3, 10: 2}
"""How many sandboxes at once, and how often."""


@dataclass(frozen=True, slots=True)
class Round:
    """Seconds: from the plans to all healthy, the same bare, and until all are removed."""

    ours: float
    bare: float
    teardown: float


def measure(report: Report) -> list[Metric]:
    """Seconds beside the floor. Raises: OrketError where there is no engine, image, or `docker` program."""
    settings = load_settings()
    demand_docker("a sandbox", settings.workbench_image)
    with (
        tempfile.TemporaryDirectory(prefix="orket-bench-") as folder,
        opened_sandboxes(Path(folder), settings) as sandboxes,
    ):
        report("installing what the pair needs")
        pair = lay_out_pair(Path(folder))
        first = deploy(sandboxes, "first", pair)
        report(f"deploying it with the page's build, {ROUNDS} times")
        built = [_built(sandboxes, pair, number) for number in range(ROUNDS)]
        source = _prebuilt(sandboxes, pair, first)
        sandboxes.down(first)
        model = deploy(sandboxes, "model", source)
        crowds = {count: _crowd(sandboxes, model, source, count, report) for count in CROWDS}
        renewed, restarted = _renewals(sandboxes, model, source, report)
        detection = statistics.median(_timed(lambda: plan(detect(source))) for _ in range(ROUNDS))
    return [
        *(metric for count, rounds in crowds.items() for metric in _of_crowd(count, rounds)),
        against("sandbox.redeploy", renewed, "s", restarted),
        Metric("sandbox.detection", round(detection, 4), "s"),
        Metric("sandbox.with_build", round(statistics.median(built), 3), "s"),
    ]


def _of_crowd(count: int, rounds: Sequence[Round]) -> list[Metric]:
    healthy = [statistics.median(each) for each in ([one.ours for one in rounds], [one.bare for one in rounds])]
    teardown = statistics.median(each.teardown for each in rounds) / count
    return [
        against(f"sandbox.plan_to_healthy.{count}", healthy[0], "s", healthy[1]),
        Metric(f"sandbox.teardown.{count}", round(teardown, 3), "s each"),
    ]


def _crowd(sandboxes: DeployedSandboxes, model: Sandbox, source: Path, count: int, report: Report) -> list[Round]:
    """In turn with the floor. The very first round counts for nobody: pages and layers are read then."""
    report(f"deploying {count} prebuilt at once, {CROWDS[count]} times in turn with bare docker run")
    return [_round(sandboxes, model, source, count, number) for number in range(CROWDS[count] + (count == 1))][
        count == 1 :
    ]


def _round(sandboxes: DeployedSandboxes, model: Sandbox, source: Path, count: int, number: int) -> Round:
    """Ours first or the floor, by turns."""
    before = run_bare(model, count) if number % 2 else None
    names = [f"crowd-{count}-{number}-{each}" for each in range(count)]
    with ThreadPoolExecutor(count) as pool:
        made: list[Sandbox] = []
        ours = _timed(lambda: made.extend(pool.map(lambda name: deploy(sandboxes, name, source), names)))
        teardown = _timed(lambda: list(pool.map(sandboxes.down, made)))
    return Round(ours, before if before is not None else run_bare(model, count), teardown)


def _renewals(sandboxes: DeployedSandboxes, model: Sandbox, source: Path, report: Report) -> tuple[float, float]:
    """Medians: another commit, whose code alone differs, until it serves; and a restart of the same containers."""
    report(f"deploying other code, {ROUNDS} times in turn with a restart")
    code = next(path for path in sorted(source.rglob("*.py")))
    ours, bare = [], []
    for number in range(ROUNDS + 1):
        with code.open("a") as file:
            file.write(f"# {number}\n")
        began = time.monotonic()
        model = deploy(sandboxes, model.rock_id, source, commit=f"renewed-{number}")
        ours.append(time.monotonic() - began)
        bare.append(restart_bare(model))
    return statistics.median(ours[1:]), statistics.median(bare[1:])


def _built(sandboxes: DeployedSandboxes, source: Path, number: int) -> float:
    """Seconds until it is healthy, its page built; it is removed then."""
    made: list[Sandbox] = []
    seconds = _timed(lambda: made.append(deploy(sandboxes, f"built-{number}", source)))
    sandboxes.down(made[0])
    return seconds


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def _prebuilt(sandboxes: DeployedSandboxes, pair: Path, built: Sandbox) -> Path:
    """The same pair with its page built: `orket.yaml` says that it is served as it is."""
    target = pair.with_name("prebuilt")
    shutil.copytree(pair, target)
    made = sandboxes.folder_of(built.id) / str(built.generation) / "made" / built.front
    shutil.copytree(made, target / "page")
    [api] = [each for each in built.plan["services"] if each["name"] != built.front]
    web = {"kind": "web", "folder": api["folder"], "start": list(api["start"])}
    declared = {api["name"]: {**web, "port": api["port"], "health": api["health_path"]}}
    page = {built.front: {"kind": "static", "folder": "page"}}
    (target / "orket.yaml").write_text(json.dumps({"services": declared | page}))
    return target
