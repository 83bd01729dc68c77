"""What the gate costs beside the same suites run by hand: HTTP checks, and a browser in the same container.

A FastAPI and a page are deployed before anything is measured, and what the browser needs is installed. Ours goes the
gate's way: folders laid out, container started, watched and removed, what it left taken and judged, the runs stored
with their events. By hand the requests are sent one after the other, and `docker run` starts the same image with the
same command, files and network; nobody looks at what it leaves. In turn, so that what else the machine does hits both.
"""

import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from orket_pipelines.bench.model import Metric, Report, against
from orket_pipelines.bench.pair import clear, demand_docker, deploy, lay_out_pair
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.containers.labels import write_labels
from orket_pipelines.containers.model import ContainerSpec, FolderMount
from orket_pipelines.delivery import Factory, open_factory
from orket_pipelines.delivery.isolation import worker_labels
from orket_pipelines.delivery.model import Attempt
from orket_pipelines.delivery.records import store_run
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.delivery.trying import try_suite
from orket_pipelines.errors import OrketError
from orket_pipelines.sandboxes import Sandbox
from orket_pipelines.settings import load_settings
from orket_pipelines.verification.browser_runs import lay_out, packages
from orket_pipelines.verification.container_browsers import BrowserRun, ContainerBrowsers
from orket_pipelines.verification.model import Suite, SuiteKind, Target
from orket_pipelines.verification.suites import HEALTHY

ROUNDS = 7
LIMIT = 120.0
"""Seconds after which a run by hand is given up."""
CARD = Card("bench", CardKind.ISSUE, "Bench")
ATTEMPT = Attempt(1, "bench", "bench", "base", "head", None, None)
PATHS = ("/api/health", "/api/health", "/api/none")
API = Suite(
    "api",
    SuiteKind.HTTP,
    """
checks:
  - {name: it answers, service: SERVICE, request: {path: /api/health}, expect: {status: 200, json: {status: ok}}}
  - {name: again, service: SERVICE, request: {path: /api/health}, expect: {status: 200, json_path: {$.status: ok}}}
  - {name: nothing, service: SERVICE, request: {path: /api/none}, expect: {status: 404}}
""",
    "api.yaml",
)
PAGE = Suite(
    "page",
    SuiteKind.E2E,
    """
import pytest


@pytest.mark.allow_errors
@pytest.mark.parametrize("time", range(3))
def test_the_page_opens(page, time):
    page.goto("/")
    assert page.title()
""",
)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What both run on."""

    factory: Factory
    stage: Stage
    sandbox: Sandbox
    target: Target
    suites: tuple[Suite, ...]
    by_hand: tuple[str, ...]


def measure(report: Report) -> list[Metric]:
    """Wall time of the gate beside its floor. Raises: OrketError where there is no engine, image, `docker` program."""
    found = load_settings()
    demand_docker("the gate", found.e2e_image)
    with tempfile.TemporaryDirectory(prefix="orket-bench-") as folder:
        home = Path(folder)
        own = {"home": home, "database_url": None, "workspace": "bench", "isolation": "container"}
        with open_factory(found.model_copy(update=own)) as factory:
            try:
                report("deploying what is tried, and installing what tries it")
                scene = _set(factory, home.resolve())
                report(f"{ROUNDS} rounds, in turn with the same by hand")
                # The first round counts for nobody: pages and layers are read then.
                rounds = [_round(scene, number) for number in range(ROUNDS + 1)][1:]
            finally:
                _strike(factory)
    ours, bare, storing = (statistics.median(each) for each in zip(*rounds, strict=True))
    return [against("verify.gate", ours, "s", bare), Metric("verify.storing", round(storing, 4), "s")]


def _set(factory: Factory, home: Path) -> _Scene:
    stage = factory.stage
    if stage is None or not isinstance(stage.browsers, ContainerBrowsers):
        reason = "the gate cannot be measured: browsers do not run in containers here"
        raise OrketError(reason, next_step="See what is missing: orket doctor")
    with factory.store.write() as tx:
        insert_cards(tx, [CARD])
    sandbox = deploy(stage.sandboxes, "bench", lay_out_pair(home))
    network, urls = stage.sandboxes.network_of(sandbox) or ("", {})
    target = Target(sandbox.id, sandbox.front, sandbox.urls, network, urls)
    service = next(name for name in sandbox.urls if name != sandbox.front)
    api = Suite(API.name, API.kind, API.source.replace("SERVICE", service), API.file_name)
    by_hand = _docker_run(_spec(factory, stage.browsers, target, home / "by-hand"))
    return _Scene(factory, stage, sandbox, target, (HEALTHY, api, PAGE), by_hand)


def _spec(factory: Factory, browsers: ContainerBrowsers, target: Target, folder: Path) -> ContainerSpec:
    """The container that the gate starts for the page's suite, over files of its own."""
    image, stop = factory.settings.e2e_image, threading.Event()
    wanted, subject = packages(PAGE.kind), target.sandbox_id
    made = browsers.installer.prepare_packages(wanted, image=image, subject=subject, stop=stop)
    bench = lay_out(factory.settings.home, folder, PAGE)
    return BrowserRun(PAGE, target, bench, made).spec(factory.settings, browsers.labels)


def _round(scene: _Scene, number: int) -> tuple[float, float, float]:
    """Seconds of the gate, by hand, and of the gate for storing; who is first changes from round to round."""
    by_hand = _timed(lambda: _by_hand(scene)) if number % 2 else 0.0
    ours, storing = _gate(scene, number)
    return ours, by_hand or _timed(lambda: _by_hand(scene)), storing


def _gate(scene: _Scene, number: int) -> tuple[float, float]:
    factory, began = scene.factory, time.monotonic()
    runs = []
    for suite in scene.suites:
        run_id, stop = f"bench.{number}.{suite.name}", threading.Event()
        run = try_suite(factory, scene.stage, suite, scene.sandbox, card_id=CARD.id, run_id=run_id, stop=stop)
        if not run.report.passed:
            raise OrketError(f"suite {suite.name} of the bench failed: {run.report.log[-2_000:]}")
        runs.append(run)
    tried = time.monotonic()
    with factory.store.write() as tx:
        for run in runs:
            store_run(tx, factory.settings.home, CARD, ATTEMPT, run)
    ended = time.monotonic()
    return ended - began, ended - tried


def _by_hand(scene: _Scene) -> None:
    urls = scene.target.urls
    api = next(url for name, url in urls.items() if name != scene.target.front)
    with httpx.Client(trust_env=False) as client:
        for url in [*(f"{each}/" for each in urls.values()), *(f"{api.rstrip('/')}{path}" for path in PATHS)]:
            client.get(url)
    done = subprocess.run(scene.by_hand, capture_output=True, text=True, timeout=LIMIT, check=False)
    if done.returncode:
        raise OrketError(f"the bench's floor failed: {done.stdout[-2_000:]}{done.stderr[-2_000:]}")


def _docker_run(spec: ContainerSpec) -> tuple[str, ...]:
    """`docker run` of what the gate starts, with nothing that contains it."""
    words = ["docker", "run", "--rm", "--network", str(spec.network), "--user", f"{spec.user[0]}:{spec.user[1]}"]
    words += ["--shm-size", str(spec.limits.shared_memory), "--workdir", spec.folder]
    words += [word for name, value in spec.environment.items() for word in ("--env", f"{name}={value}")]
    # By these it is removed where the bench is ended early.
    words += [word for name, value in write_labels(spec.labels).items() for word in ("--label", f"{name}={value}")]
    words += [word for each in spec.scratch for word in ("--tmpfs", f"{each.target}:size={each.size}")]
    for mount in spec.mounts:
        source = mount.source if isinstance(mount, FolderMount) else mount.volume
        words += ["--volume", f"{source}:{mount.target}:{'ro' if mount.read_only else 'rw'}"]
    return (*words, spec.image, *spec.command)


def _strike(factory: Factory) -> None:
    """Leave nothing with the engine."""
    if factory.engine is not None:
        clear(factory.engine, factory.store, factory.leases, worker_labels(factory.settings))


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began
