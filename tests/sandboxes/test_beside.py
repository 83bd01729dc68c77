"""What serves goes on until what comes next is healthy: on an engine in memory, whose forwarder is told by a file."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import ContainerPurpose, ContainerSpec
from orket_pipelines.containers.memory_engine import MemoryEngine
from orket_pipelines.containers.model import Container
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.errors import SandboxError, Stopped
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes, reconcile
from orket_pipelines.sandboxes.allocations import PORT, SUBNET, leased
from orket_pipelines.sandboxes.beside import MEBIBYTE, Circumstances, free_memory, why_in_place
from orket_pipelines.sandboxes.observing import observations
from orket_pipelines.sandboxes.on_engine import ContainerRuntime
from orket_pipelines.sandboxes.opening import station_of
from orket_pipelines.sandboxes.records import change, handles_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events

pytestmark = pytest.mark.slow
GIBIBYTE = 1024 * MEBIBYTE
DATABASE = {"api": {"kind": "web", "start": ["python3", "server.py"], "health": "/health", "databases": ["redis"]}}


class Place:
    """A sandbox of one service with a database, which answers unless its commit is broken."""

    def __init__(self, tmp_path: Path, clock: FakeClock, installer: Installer) -> None:
        self.folder = tmp_path
        self.settings = Settings(
            home=tmp_path / "home", workbench_image="image", sandbox_start_timeout=2, sandbox_beside="always"
        )
        self.engine = MemoryEngine(self.settings.home, self.programs)
        self.store = Store.open(self.settings.store_url, clock=clock)
        self.installer = installer
        self.build: tuple[int | None, str] = (0, "")
        self.asked: list[str] = []
        self.deaf: set[str] = set()

    def sandboxes(self, **changed: str) -> DeployedSandboxes:
        settings = self.settings.model_copy(update=changed)
        return replace(open_sandboxes(settings, self.store, self.installer, engine=self.engine), ask=self.ask)

    def programs(self, spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        if tuple(command) == spec.command:
            return (None, f"I am {spec.name}\n") if spec.labels.purpose is ContainerPurpose.SERVICE else (None, "")
        return self.build if command[0] == "timeout" else (0, "")

    def ask(self, url: str) -> int | None:
        """As the forwarder and the service would answer."""
        self.asked.append(url)
        key = url.partition("//")[2].partition("@")[0] if "@" in url else "9000"
        target = self.ways().get(key, "")
        found = self.engine.find(target.partition(":")[0])
        commit = target.partition(":")[0].split("-")[2:3]
        return 200 if found is not None and found.running and not self.deaf & set(commit) else None

    def ways(self) -> dict[str, str]:
        [file] = self.settings.home.glob("sandboxes/*/*/ways/ways")
        return dict(line.split("=", 1) for line in file.read_text().splitlines())

    def deployment(self, commit: str, *services: str, build: bool = False) -> Deployment:
        root = self.folder / "checkouts" / commit
        root.mkdir(parents=True, exist_ok=True)
        declared = dict.fromkeys(services or ("api",), DATABASE["api"])
        if build:
            declared = {name: {**each, "build": ["make"]} for name, each in declared.items()}
        (root / "orket.yaml").write_text(json.dumps({"services": declared, "front": "api"}))
        (root / "server.py").write_text(commit)
        return Deployment("todo", "todo", commit, root)

    def deploy(self, commit: str, *services: str, **changed: str) -> Sandbox:
        return self.sandboxes(**changed).deploy(self.deployment(commit, *services), stop=threading.Event())

    def names(self) -> list[str]:
        return sorted(each.name.split("-", 2)[2] for each in self.engine.containers({}))

    def files(self, sandbox: Sandbox) -> set[str]:
        return {each.name for each in self.sandboxes().folder_of(sandbox.id).iterdir()}

    def reasons(self) -> list[str | None]:
        with self.store.read() as tx:
            told = [event.payload for event in read_events(tx) if event.kind == "sandbox.changed"]
        return [each["in_place"] for each in told if each["seconds"] is not None]


def networks_of(container: Container) -> list[str]:
    return sorted(each.rpartition("-")[2] for each in container.addresses)


@pytest.fixture
def place(tmp_path: Path, clock: FakeClock, installer: Installer) -> Iterator[Place]:
    made = Place(tmp_path, clock, installer)
    yield made
    made.store.close()


def test_what_serves_is_connected_to_until_what_comes_next_is_healthy(place: Place) -> None:
    first = place.deploy("c1")
    seen: list[tuple[str, str, list[str]]] = []
    port = f"orket-{first.id[:12]}-1-api:8000"
    sandboxes = place.sandboxes()

    def ask(url: str) -> int | None:
        seen.append((url.rpartition(":")[0], place.ways()["9000"], place.names()))
        return place.ask(url)

    second = replace(sandboxes, ask=ask).deploy(place.deployment("c2"), stop=threading.Event())

    both = ["1-api", "2-api", "forwarder", "redis"]
    assert seen == [("http://api@127.0.0.1", port, both)] * 2
    assert (second.state, second.urls, second.serving) == (SandboxState.RUNNING, first.urls, None)
    assert place.ways()["9000"] == f"orket-{first.id[:12]}-2-api:8000"
    assert place.names() == ["2-api", "forwarder", "redis"]
    assert place.files(second) == {"2", "secrets", "ways"}
    assert place.reasons() == [None, None]


def test_generations_stand_on_two_networks_by_turns_and_the_database_on_both(place: Place) -> None:
    for commit in ("c1", "c2", "c3"):
        place.deploy(commit)
    attached = {each.name.split("-", 2)[2]: networks_of(each) for each in place.engine.containers({})}

    assert attached == {"3-api": ["sealed"], "redis": ["beside", "sealed"], "forwarder": ["beside", "front", "sealed"]}
    place.deploy("c4")
    assert networks_of(next(each for each in place.engine.containers({}) if each.name.endswith("-api"))) == ["beside"]


def test_a_commit_that_does_not_answer_leaves_what_served_and_is_failed_itself(place: Place) -> None:
    first = place.deploy("c1")
    place.deaf = {"2"}
    failed = place.deploy("c2")

    assert (failed.state, failed.commit, failed.generation) == (SandboxState.FAILED, "c2", 2)
    assert "api did not answer on port 8000 within 2 s" in failed.note
    assert failed.serving == {"commit": "c1", "generation": 1, "note": ""}
    assert (failed.urls, failed.front, failed.plan) == (first.urls, first.front, first.plan)
    assert place.ways()["9000"] == f"orket-{first.id[:12]}-1-api:8000"
    assert place.names() == ["1-api", "forwarder", "redis"]
    assert place.files(failed) == {"1", "2", "secrets", "ways"}
    assert place.sandboxes().logs(failed) == {"api": f"I am orket-{first.id[:12]}-2-api", "redis": ""}
    assert not place.sandboxes().is_healthy(failed), "who asks means the commit that failed"


def test_a_commit_that_cannot_be_built_leaves_what_served(place: Place) -> None:
    place.deploy("c1")
    place.build = (1, "make: no rule")
    failed = place.sandboxes().deploy(place.deployment("c2", build=True), stop=threading.Event())

    assert (failed.state, failed.note) == (SandboxState.FAILED, "the build of api ended with code 1\nmake: no rule")
    assert failed.serving == {"commit": "c1", "generation": 1, "note": ""}
    assert place.names() == ["1-api", "forwarder", "redis"]


def test_what_served_outlives_several_that_fail_and_goes_with_the_first_that_does_not(place: Place) -> None:
    place.deploy("c1")
    place.deaf = {"2", "3"}
    for commit in ("c2", "c3"):
        failed = place.deploy(commit)
        assert failed.serving == {"commit": "c1", "generation": 1, "note": ""}
    assert place.files(failed) == {"1", "3", "secrets", "ways"}
    sandbox = place.deploy("c4")

    assert (sandbox.state, sandbox.generation, sandbox.serving) == (SandboxState.RUNNING, 4, None)
    assert place.names() == ["4-api", "forwarder", "redis"]
    with place.store.read() as tx:
        assert set(leased(tx, PORT, sandbox.id)) == {"api", "(probe)"}
        assert set(leased(tx, SUBNET, sandbox.id)) == {"sealed", "beside"}


def test_a_stop_while_it_starts_leaves_what_serves(place: Place) -> None:
    place.deploy("c1")
    stop = threading.Event()

    def ask(_: str) -> int | None:
        stop.set()
        return None

    with pytest.raises(Stopped):
        replace(place.sandboxes(), ask=ask).deploy(place.deployment("c2"), stop=stop)
    assert place.names() == ["1-api", "forwarder", "redis"]
    assert place.ways()["9000"].endswith("-1-api:8000")
    assert place.deploy("c2").generation == 2


def test_a_machine_that_cannot_start_the_next_leaves_what_serves(place: Place) -> None:
    first = place.deploy("c1")
    place.engine.start_failures[f"orket-{first.id[:12]}-2-api"] = "no space left on device"
    with pytest.raises(SandboxError, match="no space left"):
        place.deploy("c2")
    with place.store.read() as tx:
        [failed] = [event.payload for event in read_events(tx) if event.kind == "sandbox.changed"][-1:]

    assert (failed["state"], failed["urls"], failed["serving"]["commit"]) == ("failed", first.urls, "c1")
    assert place.names() == ["1-api", "forwarder", "redis"]


def test_without_room_for_both_what_serves_goes_first_and_that_is_said(place: Place) -> None:
    first = place.deploy("c1")
    said: list[str] = []
    deployment = place.deployment("c2")
    place.sandboxes(sandbox_beside="never").deploy(deployment, stop=threading.Event(), tell=said.append)

    assert "what serves is stopped first: ORKET_SANDBOX_BESIDE is never" in said
    assert place.reasons() == [None, "ORKET_SANDBOX_BESIDE is never"]
    assert place.asked[-2:] == [f"{first.urls['api']}/health"] * 2
    place.deaf = {"3"}
    failed = place.deploy("c3", sandbox_beside="never")
    assert (failed.state, failed.serving, failed.urls) == (SandboxState.FAILED, None, {})
    assert place.names() == ["redis"]


def test_other_services_take_another_forwarder(place: Place) -> None:
    place.deploy("c1")
    sandbox = place.deploy("c2", "api", "shop")

    assert (sandbox.state, set(sandbox.urls)) == (SandboxState.RUNNING, {"api", "shop"})
    assert place.names() == ["2-api", "2-shop", "forwarder", "redis"]
    assert set(place.ways()) == {"9000", "9001", "api", "shop"}


def test_one_whose_forwarder_an_older_release_started_is_replaced_where_it_stands(place: Place) -> None:
    first = place.deploy("c1")
    with place.store.write() as tx:
        handles = {**handles_of(tx, first.id)}
        for unknown in ("forwarded", "led_by", "ways", "named"):
            del handles[unknown]
        change(tx, first, handles=handles)
    second = place.deploy("c2")

    assert (second.state, second.commit) == (SandboxState.RUNNING, "c2")
    assert place.reasons()[-1] == "it has other services, and a forwarder's ports are those that it was started with"
    assert place.names() == ["2-api", "forwarder", "redis"]


@pytest.mark.parametrize(("free", "beside"), [(2 * GIBIBYTE - 1, False), (2 * GIBIBYTE, True)])
def test_memory_decides_where_no_setting_does(place: Place, *, free: int, beside: bool) -> None:
    place.deploy("c1")
    station = replace(station_of(place.settings), beside="auto")
    runtime = ContainerRuntime(place.engine, station, place.store.clock, free_memory=lambda: free)
    replace(place.sandboxes(), runtime=runtime).deploy(place.deployment("c2"), stop=threading.Event())

    assert ("api@" in place.asked[-1]) is beside
    why = "2047 MiB of memory are free, and it may take 2048; ORKET_SANDBOX_BESIDE=always does not ask"
    assert place.reasons() == [None, None if beside else why]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, None),
        ({"free": 4 * GIBIBYTE - 1}, "4095 MiB of memory are free, and it may take 4096"),
        ({"free": None}, "it is not known how much memory is free"),
        ({"free": None, "wish": "always"}, None),
        ({"wish": "never"}, "ORKET_SANDBOX_BESIDE is never"),
        ({"forwards": False, "wish": "always"}, "its forwarder does not run"),
        ({"services": ("api", "web", "job"), "wish": "always"}, "it has other services"),
        ({"services": ("web", "api")}, None),
    ],
)
def test_what_decides_whether_both_run(changed: dict[str, object], why: str | None) -> None:
    seen = Circumstances(
        "auto",
        forwards=True,
        forwarded=("api", "web"),
        services=("api", "web"),
        needed=4 * GIBIBYTE,
        free=4 * GIBIBYTE,
    )
    told = why_in_place(replace(seen, **changed))  # type: ignore[arg-type]
    assert (told or "").startswith(why or "")
    assert (told is None) == (why is None)


def test_free_memory_is_what_the_kernel_says_is_available(tmp_path: Path) -> None:
    facts = tmp_path / "meminfo"
    assert free_memory(facts) is None
    facts.write_text("MemTotal:       24684104 kB\nMemAvailable:   1024 kB\n")
    assert free_memory(facts) == MEBIBYTE


def test_what_serves_is_watched_and_counts_as_up_while_it_answers(place: Place, clock: FakeClock) -> None:
    place.deploy("c1")
    place.deaf = {"2"}
    failed = place.deploy("c2")
    assert reconcile(place.sandboxes(), place.store) == []
    place.deaf = {"1"}
    clock.advance(1)
    [silent] = reconcile(place.sandboxes(), place.store)

    assert (silent.state, silent.note) == (SandboxState.FAILED, failed.note)
    assert silent.serving == {"commit": "c1", "generation": 1, "note": "api does not answer"}
    place.engine.end(f"orket-{failed.id[:12]}-1-api", 1)
    place.engine.end(f"orket-{failed.id[:12]}-redis", 1)
    clock.advance(1)
    [gone] = reconcile(place.sandboxes(), place.store)
    assert (gone.state, gone.serving) == (SandboxState.FAILED, None)
    with place.store.read() as tx:
        seen = [each.up for each in observations(tx, failed.id, since=0)]
    assert seen == [None, True, None, True, True, False, False, False, False]


@pytest.mark.parametrize("state", [SandboxState.STOPPED, SandboxState.DELETED])
def test_a_person_ends_what_serves_as_they_end_what_runs(place: Place, state: SandboxState) -> None:
    place.deploy("c1")
    place.deaf = {"2"}
    failed = place.deploy("c2")
    sandboxes = place.sandboxes()
    end: Callable[[Sandbox], Sandbox] = sandboxes.stop if state is SandboxState.STOPPED else sandboxes.down
    ended = end(failed)

    assert (ended.state, ended.serving) == (state, None)
    if state is SandboxState.STOPPED:
        assert {each.running for each in place.engine.containers({})} == {False}
        place.deaf = set()
        assert place.deploy("c3").state is SandboxState.RUNNING
    else:
        assert (place.engine.containers({}), place.engine.networks({}), place.engine.volumes({})) == ([], [], [])
