"""Browsers in containers, on the engine in memory; and once on a real one."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.containers import DockerEngine, installation_id
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.memory_engine import MemoryEngine, Program
from orket_pipelines.containers.model import (
    OWNER,
    PURPOSE,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    NetworkSpec,
    Scratch,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.dependencies.container_installer import ContainerInstaller
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import EngineUnavailable, Stopped, WorkbenchError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store
from orket_pipelines.store.failpoints import arm
from orket_pipelines.verification import Suite, SuiteKind, SuiteReport, Target
from orket_pipelines.verification.artifacts import PNG
from orket_pipelines.verification.browser_runs import lay_out
from orket_pipelines.verification.container_browsers import (
    AFTER_RUN,
    AFTER_START,
    BEFORE_CLEAR,
    BEFORE_START,
    ContainerBrowsers,
)
from orket_pipelines.verification.fake import passing
from orket_pipelines.verification.suites import OPENAPI
from tests.verification import pages

pytestmark = pytest.mark.slow

SUITE = Suite("page", SuiteKind.E2E, "def test_page(page): ...\n")
TARGET = Target(
    "sandbox-1", "web", {"web": "http://127.0.0.1:20000"}, network="orket-net", inside_urls={"web": "http://web:3000"}
)
LABELS = Labels("owner", "default", "-", ContainerPurpose.WORKBENCH, process="worker", run="dagster-run")


ANSWER = {"description": "JSON", "content": {"application/json": {"schema": {"type": "object"}}}}
DESCRIPTION = {
    "openapi": "3.1.0",
    "info": {"title": "Pages", "version": "1"},
    "paths": {path: {"get": {"responses": {"200": ANSWER}}} for path in ("/openapi.json", "/")},
}


class Packages:
    """An installer whose volume is there; `asked` holds the packages, the image and the subject."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], str, str]] = []

    def prepare_packages(
        self, packages: Sequence[str], *, image: str, subject: str, stop: threading.Event
    ) -> Environment:
        self.asked.append(([line.partition(" ")[0] for line in packages], image, subject))
        mount = VolumeMount("orket-packages", "/dependencies/python")
        return Environment("key", (mount,), ("/dependencies/python/bin",), (("VIRTUAL_ENV", "/dependencies/python"),))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def folder(home: Path) -> Path:
    return home / "artifacts" / "default" / "card" / "run-1"


Open = Callable[[Program], tuple[ContainerBrowsers, MemoryEngine]]


@pytest.fixture
def open_browsers(home: Path) -> Open:
    """Browsers on an engine that has the sandbox's network and the packages."""

    def opened(program: Program) -> tuple[ContainerBrowsers, MemoryEngine]:
        engine = MemoryEngine(home, program)
        engine.create_network(NetworkSpec("orket-net", LABELS))
        engine.create_volume(VolumeSpec("orket-packages", LABELS))
        return ContainerBrowsers(engine, Packages(), Settings(home=home), LABELS), engine

    return opened


def run(browsers: ContainerBrowsers, folder: Path, target: Target = TARGET, deadline: float = 5.0) -> SuiteReport:
    return browsers.run(SUITE, target, folder=folder, deadline=deadline, stop=threading.Event())


def test_a_suite_runs_in_a_container_that_is_gone_afterwards(open_browsers: Open, home: Path, folder: Path) -> None:
    browsers, engine = open_browsers(passing)
    report = run(browsers, folder)

    assert (report.passed, report.counts, report.log) == (True, {"passed": 1}, "python: 1 passed\n")
    assert [(artifact.name, artifact.path.parent) for artifact in report.artifacts] == [
        ("junit.xml", folder),
        ("page.png", folder),
    ]
    assert engine.containers({}) == []
    assert list((home / "verification").iterdir()) == []


def test_the_container_reaches_the_sandbox_alone_and_writes_to_one_folder(
    open_browsers: Open, home: Path, folder: Path
) -> None:
    seen: list[ContainerSpec] = []

    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int, str]:
        seen.append(spec)
        return passing(spec, command)

    browsers, _ = open_browsers(program)
    run(browsers, folder)
    (spec,) = seen
    bench = lay_out(home, folder, SUITE)
    assert spec.name == f"orket-browser-{bench.root.name}"
    assert (spec.network, spec.aliases, spec.ports, spec.image) == ("orket-net", (), (), "orket-e2e:0.1.0")
    assert spec.mounts == (
        FolderMount(bench.suite, "/suite"),
        FolderMount(bench.out, "/out", read_only=False),
        VolumeMount("orket-packages", "/dependencies/python"),
    )
    assert spec.scratch == (Scratch("/tmp", size=512 * 1024**2),)
    assert spec.limits.shared_memory == 512 * 1024**2
    assert 0 not in spec.user
    assert (spec.labels.subject, spec.labels.purpose, spec.labels.process) == ("sandbox-1", "browser", "worker")
    assert spec.labels.expires is not None
    assert spec.environment["PATH"] == "/dependencies/python/bin:/usr/local/bin:/usr/bin:/bin"
    assert spec.environment["E2E_BASE_URL"] == "http://web:3000"
    assert not [name for name in spec.environment if name.startswith("ORKET_")]


def test_what_the_plugin_needs_is_installed_for_the_image_of_browsers(open_browsers: Open, folder: Path) -> None:
    browsers, _ = open_browsers(passing)
    run(browsers, folder)
    assert isinstance(browsers.installer, Packages)
    ((packages, image, subject),) = browsers.installer.asked
    assert {"playwright==1.65.2", "pytest==9.2.0"} <= set(packages)
    assert (image, subject) == ("orket-e2e:0.1.0", "sandbox-1")


def test_a_suite_that_does_not_end_is_stopped(open_browsers: Open, folder: Path) -> None:
    browsers, engine = open_browsers(lambda spec, command: (None, "still running"))
    report = run(browsers, folder, deadline=0.2)

    assert (report.passed, report.exit_code, report.counts) == (False, None, {"errors": 1})
    assert "did not end within its time" in report.log
    assert report.log.startswith("still running")
    assert engine.containers({}) == []


def test_a_suite_that_fills_the_disk_is_stopped(open_browsers: Open, folder: Path) -> None:
    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[None, str]:
        out = next(mount.source for mount in spec.mounts if isinstance(mount, FolderMount) and not mount.read_only)
        for number in range(2_001):
            (out / str(number)).touch()
        return None, ""

    browsers, _ = open_browsers(program)
    report = run(browsers, folder)
    assert (report.passed, report.cases[0].message) == (
        False,
        "the suite wrote more artifacts than it may and was stopped",
    )


def test_a_stop_ends_the_run_and_leaves_no_container(open_browsers: Open, home: Path, folder: Path) -> None:
    browsers, engine = open_browsers(lambda spec, command: (None, ""))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        browsers.run(SUITE, TARGET, folder=folder, deadline=60, stop=stop)
    assert engine.containers({}) == []
    assert list((home / "verification").iterdir()) == []


def test_an_engine_whose_answer_was_lost_keeps_no_container_once_the_run_is_tried_again(
    open_browsers: Open, folder: Path
) -> None:
    browsers, engine = open_browsers(passing)
    engine.lost_answers = {"start"}
    with pytest.raises(EngineUnavailable):
        run(browsers, folder)
    assert len(engine.containers({})) == 1

    assert run(browsers, folder).passed
    assert engine.containers({}) == []


POINTS = [AFTER_RUN, AFTER_START, BEFORE_CLEAR, BEFORE_START]


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_was_killed_is_made_good_by_the_same_run_again(home: Path, folder: Path, point: str) -> None:
    def browsers() -> ContainerBrowsers:
        engine = MemoryEngine(home, passing, path=home / "engine")
        return ContainerBrowsers(engine, Packages(), Settings(home=home), LABELS)

    home.mkdir()
    MemoryEngine(home, passing, path=home / "engine").create_network(NetworkSpec("orket-net", LABELS))
    MemoryEngine(home, passing, path=home / "engine").create_volume(VolumeSpec("orket-packages", LABELS))
    child = os.fork()
    if child == 0:
        try:
            arm(point)
            run(browsers(), folder)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    again = browsers()
    assert run(again, folder).passed
    assert again.engine.containers({}) == []
    assert list((home / "verification").iterdir()) == []


def test_a_sandbox_on_no_network_cannot_be_tried(open_browsers: Open, folder: Path) -> None:
    browsers, _ = open_browsers(passing)
    with pytest.raises(WorkbenchError, match="on no network"):
        run(browsers, folder, Target("sandbox-1", "web", {"web": "http://127.0.0.1:20000"}))


def test_no_user_of_a_run_is_root(open_browsers: Open, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int, str]:
        seen.append(spec.user)
        return passing(spec, command)

    browsers, _ = open_browsers(program)
    run(browsers, folder)
    assert seen == [(10_001, 10_001) if os.geteuid() == 0 else (os.geteuid(), os.getegid())]


@pytest.fixture
def tried(
    docker_home: Path, docker_engine: DockerEngine, e2e_image: str, workbench_image: str, store: Store
) -> Iterator[Callable[[Suite], SuiteReport]]:
    """Run a suite in a real container against real pages. Installs what it needs, as a first run on a machine does."""
    settings = Settings(home=docker_home, e2e_image=e2e_image, workbench_image=workbench_image)
    labels = replace(LABELS, owner=installation_id(docker_home), process=None)
    network = docker_engine.create_network(NetworkSpec("orket-verification-test", replace(labels, subject="sandbox-1")))
    serve_pages(docker_engine, docker_home, network.name, workbench_image, labels)
    leases = LeaseKeeper(store, patience=30)
    installer = ContainerInstaller(docker_engine, store, settings, leases=leases, labels=labels, user=command_user())
    target = Target("sandbox-1", "web", {}, network=network.name, inside_urls={"web": "http://web:8000"})
    browsers = ContainerBrowsers(docker_engine, installer, settings, labels)
    folder = docker_home / "artifacts" / "default" / "card" / "run-1"
    yield lambda suite: browsers.run(suite, target, folder=folder, deadline=120, stop=threading.Event())
    leases.close()
    assert docker_engine.containers({PURPOSE: "browser", OWNER: labels.owner}) == []
    assert list((docker_home / "verification").iterdir()) == []


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_real_page_is_driven_from_a_container(tried: Callable[[Suite], SuiteReport], docker_home: Path) -> None:
    report = tried(Suite("page", SuiteKind.E2E, pages.SUITE))

    assert {case.name: case.outcome for case in report.cases} == pages.CASES, report.log
    assert (report.passed, report.exit_code, report.counts) == (False, 1, {"passed": 3, "failed": 1})
    assert {artifact.name for artifact in report.artifacts if artifact.media_type != "video/webm"} == pages.ARTIFACTS
    [picture] = [artifact.path for artifact in report.artifacts if artifact.name == "first-view.png"]
    assert (picture.parent.name, picture.read_bytes()[: len(PNG)]) == ("run-1", PNG)


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_service_is_tried_by_its_own_description_from_a_container(tried: Callable[[Suite], SuiteReport]) -> None:
    report = tried(OPENAPI)
    assert {case.name: case.outcome for case in report.cases} == {
        "openapi.test_a_service_describes_itself": "passed",
        "openapi.test_operation[web GET /openapi.json]": "passed",
        "openapi.test_operation[web GET /]": "failed",
    }, report.log
    assert "text/html" in report.cases[-1].message


def serve_pages(engine: DockerEngine, home: Path, network: str, image: str, labels: Labels) -> None:
    """A service of a sandbox, `web`, with the pages."""
    root = home / "sandboxes" / "sandbox-1"
    (root / "bad").mkdir(parents=True)
    (root / "index.html").write_text(pages.GOOD)
    (root / "bad" / "index.html").write_text(pages.BAD)
    (root / "openapi.json").write_text(json.dumps(DESCRIPTION))
    engine.start(
        ContainerSpec(
            name=f"orket-verification-test-{labels.owner}",
            image=image,
            command=("python3", "-m", "http.server", "--directory", "/pages", "8000"),
            labels=replace(labels, subject="sandbox-1", purpose=ContainerPurpose.SERVICE),
            user=command_user(),
            mounts=(FolderMount(root, "/pages"),),
            network=network,
            aliases=("web",),
        )
    )
