"""Sandboxes on an engine, as the engine in memory sees it: what is asked for, and what happens when it fails."""

import io
import tarfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import (
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    NetworkSpec,
    PublishedPort,
    VolumeMount,
    installation_id,
)
from orket_pipelines.containers.memory_engine import MemoryEngine
from orket_pipelines.containers.model import VolumeSpec
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import EngineUnavailable, InstallFailed, SandboxError, Stopped
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes, reconcile
from orket_pipelines.sandboxes.allocations import PORT, SUBNET, leased
from orket_pipelines.sandboxes.building import run_script
from orket_pipelines.sandboxes.on_engine import ContainerRuntime
from orket_pipelines.sandboxes.opening import station_of
from orket_pipelines.sandboxes.records import handles_of, sandbox_of_rock
from orket_pipelines.sandboxes.runtime import PROBE
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

pytestmark = pytest.mark.slow

Pair = Callable[..., Deployment]


class Programs:
    """What containers do: builds make a page, services say one line. `build` and `started` are exit code and output."""

    def __init__(self) -> None:
        self.specs: dict[str, ContainerSpec] = {}
        self.build: tuple[int | None, str] = (0, "built")
        self.started: tuple[int | None, str] = (None, "serving")
        self.output: tuple[int | None, str] = (0, archive("./index.html"))
        self.tables = ""

    def __call__(self, spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        self.specs[spec.name] = spec
        if tuple(command) == spec.command:
            return self.started if spec.labels.purpose is ContainerPurpose.SERVICE else (None, "")
        if "tar" in command[2]:
            return self.output
        return self.build if command[0] == "timeout" else (0, self.tables)


class Volumes:
    """An installer that finds everything installed, unless `error` says why not."""

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.error: Exception | None = None

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        del checkout, subject, stop
        if self.error is not None:
            raise self.error
        return self.environment

    def key_of(self, checkout: Path) -> str:
        del checkout
        return self.environment.key


def archive(name: str) -> str:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as packed:
        member = tarfile.TarInfo(name)
        member.size = 4
        packed.addfile(member, io.BytesIO(b"page"))
    return made.getvalue().decode("ascii")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ports = (24_000, 24_999)
    return Settings(home=tmp_path / "home", workbench_image="image", sandbox_ports=ports, sandbox_beside="always")


@pytest.fixture
def kept(settings: Settings, clock: FakeClock) -> Iterator[Store]:
    opened = Store.open(settings.store_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def engine(settings: Settings, programs: Programs) -> MemoryEngine:
    return MemoryEngine(settings.home, programs)


@pytest.fixture
def volumes() -> Volumes:
    return Volumes(Environment("none"))


@pytest.fixture
def sandboxes(settings: Settings, kept: Store, volumes: Volumes, engine: MemoryEngine) -> DeployedSandboxes:
    return replace(open_sandboxes(settings, kept, volumes, engine=engine), ask=lambda _: 200)


def deploy(sandboxes: DeployedSandboxes, deployment: Deployment) -> Sandbox:
    return sandboxes.deploy(deployment, stop=threading.Event())


def small_runtime(settings: Settings, engine: MemoryEngine) -> ContainerRuntime:
    """Whose builds may hand over 15 kB."""
    return ContainerRuntime(engine, replace(station_of(settings), scratch=15_000, limits=ContainerLimits()))


def names(engine: MemoryEngine) -> list[str]:
    return sorted(container.name.split("-", 2)[2] for container in engine.containers({}))


def silent_from(sandboxes: DeployedSandboxes, *services: str, store: Store) -> DeployedSandboxes:
    """The same, but these services do not answer."""

    def ask(url: str) -> int | None:
        with store.read() as tx:
            found = sandbox_of_rock(tx, "todo")
            assert found is not None
            ports = leased(tx, PORT, found.id)
        return None if any(f":{ports[name]}/" in url or f"//{name}@" in url for name in services) else 200

    return replace(sandboxes, ask=ask)


def test_a_service_runs_over_a_copy_of_its_files_and_reaches_nothing_but_its_siblings(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, programs: Programs, pair: Pair
) -> None:
    sandbox = deploy(sandboxes, pair("c1"))
    api = programs.specs[f"orket-{sandbox.id[:12]}-1-api"]
    source = sandboxes.folder_of(sandbox.id) / "1" / "source"
    [network] = (each for each in engine.networks({}) if each.name.endswith("-sealed"))

    assert api.command[:3] == ("sh", "-c", run_script("/source"))
    assert api.command[4:] == ("api", "python3", "server.py", "8000")
    assert api.mounts == (FolderMount(source, "/source", read_only=True),)
    assert [scratch.target for scratch in api.scratch] == ["/tmp", "/project/checkout"]
    assert (api.network, api.aliases) == (network.name, ("api",))
    assert api.ports == ()
    assert set(api.environment) == {"PATH", "HOME", "LANG", "PYTHONUNBUFFERED", "PORT", "HOST"}
    assert 0 not in api.user
    assert (api.labels.subject, api.labels.process) == (sandbox.id, None)
    assert api.labels.expires is None, "the upkeep knows from its row when it goes"
    assert sandboxes.network_of(sandbox) == (network.name, {"api": "http://api:8000", "web": "http://web:8080"})


def test_this_host_reaches_services_by_a_forwarder_that_stands_on_a_network_of_its_own_besides(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, programs: Programs, pair: Pair
) -> None:
    sandbox = deploy(sandboxes, pair("c1"))
    forwarder = programs.specs[f"orket-{sandbox.id[:12]}-forwarder"]
    ports = {name: int(url.rpartition(":")[2]) for name, url in sandbox.urls.items()}
    with sandboxes.store.read() as tx:
        probe = int(leased(tx, PORT, sandbox.id)[PROBE])
    ways = sandboxes.folder_of(sandbox.id) / "ways"

    assert forwarder.command[4:] == ("/ways/ways", "8999", "9000", "9001")
    published = {8999: probe, 9000: ports["api"], 9001: ports["web"]}
    assert forwarder.ports == tuple(PublishedPort(inside, here) for inside, here in published.items())
    assert (forwarder.mounts, 0 in forwarder.user) == ((FolderMount(ways, "/ways", read_only=True),), False)
    api, web = f"orket-{sandbox.id[:12]}-1-api:8000", f"orket-{sandbox.id[:12]}-1-web:8080"
    assert (ways / "ways").read_text().splitlines() == [f"9000={api}", f"9001={web}", f"api={api}", f"web={web}"]
    sealed, front = f"orket-{sandbox.id[:12]}-sealed", forwarder.network
    assert front is not None
    found = engine.find(forwarder.name)
    assert found is not None
    assert set(found.addresses) == {sealed, front}
    networks = {network.name: network for network in engine.networks({})}
    assert "orket.published" in networks[front].labels
    assert "orket.published" not in networks[sealed].labels
    assert len({network.subnet for network in networks.values()}) == 2


def test_the_page_is_built_without_a_network_and_served_with_a_way_to_the_service(
    sandboxes: DeployedSandboxes, programs: Programs, pair: Pair
) -> None:
    sandbox = deploy(sandboxes, pair("c1"))
    build = programs.specs[f"orket-{sandbox.id[:12]}-1-web-build"]
    web = programs.specs[f"orket-{sandbox.id[:12]}-1-web"]
    made = sandboxes.folder_of(sandbox.id) / "1" / "made" / "web"

    assert (build.network, build.labels.purpose) == (None, ContainerPurpose.BUILD)
    assert all(mount.read_only for mount in build.mounts)
    assert web.mounts == (FolderMount(made, "/site", read_only=True),)
    assert web.command[:3] == ("python3", "-I", "-c")
    assert web.command[4:] == (
        *("--root", "/site", "--route", "/api=http://api:8000"),
        *("--port", "8080", "--host", "0.0.0.0"),  # noqa: S104 - in its container
    )
    assert (made / "index.html").read_bytes() == b"page"


def test_dependencies_are_mounted_read_only_and_found_first(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, programs: Programs, volumes: Volumes, pair: Pair
) -> None:
    mount = VolumeMount("orket-python", "/dependencies/python")
    volumes.environment = Environment("key", (mount,), ("/dependencies/python/bin",), (("NODE_PATH", "/x"),))
    labels = Labels(installation_id(sandboxes.settings.home), "default", "key", ContainerPurpose.INSTALL)
    engine.create_volume(VolumeSpec("orket-python", labels))
    sandbox = deploy(sandboxes, pair("c1"))

    for name in ("api", "web-build"):
        spec = programs.specs[f"orket-{sandbox.id[:12]}-1-{name}"]
        assert mount in spec.mounts
        assert spec.environment["PATH"] == "/dependencies/python/bin:/usr/local/bin:/usr/bin:/bin"
        assert spec.environment["NODE_PATH"] == "/x"


def test_a_later_commit_replaces_containers_and_keeps_network_and_ports(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, pair: Pair
) -> None:
    first = deploy(sandboxes, pair("c1"))
    networks = engine.networks({})
    second = deploy(sandboxes, pair("c2"))

    assert second.urls == first.urls
    assert [each for each in engine.networks({}) if not each.name.endswith("-beside")] == networks
    assert names(engine) == ["2-api", "2-web", "forwarder"]


def test_down_leaves_nothing_on_the_engine_and_no_lease(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    sandbox = sandboxes.down(deploy(sandboxes, pair("c1")))

    assert sandbox.state is SandboxState.DELETED
    assert (engine.containers({}), engine.networks({}), engine.volumes({})) == ([], [], [])
    with kept.read() as tx:
        assert (leased(tx, PORT, sandbox.id), leased(tx, SUBNET, sandbox.id)) == ({}, {})
    again = deploy(sandboxes, pair("c1"))
    assert (again.id, again.state, again.generation) == (sandbox.id, SandboxState.RUNNING, 2)


def test_a_build_that_fails_is_a_failed_deployment_with_its_log(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, programs: Programs, pair: Pair
) -> None:
    programs.build = (1, "src/app.ts: error TS2304\n")
    sandbox = deploy(sandboxes, pair("c1"))

    assert sandbox.state is SandboxState.FAILED
    assert sandbox.note == "the build of web ended with code 1\nsrc/app.ts: error TS2304"
    assert engine.containers({}) == []


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ((0, archive("../../../../outside")), "cannot be unpacked"),
        ((0, "no archive"), "cannot be unpacked"),
        ((2, ""), "its output dist is not there"),
        ((0, "0" * 20_000), "its output dist is too big"),
    ],
)
def test_what_a_build_hands_over_is_the_commits_fault_and_not_the_machines(
    sandboxes: DeployedSandboxes,
    engine: MemoryEngine,
    programs: Programs,
    pair: Pair,
    *,
    output: tuple[int, str],
    why: str,
) -> None:
    programs.output = output
    sandbox = deploy(replace(sandboxes, runtime=small_runtime(sandboxes.settings, engine)), pair("c1"))

    assert sandbox.state is SandboxState.FAILED
    assert why in sandbox.note
    assert engine.containers({}) == []


def test_dependencies_that_cannot_be_installed_are_a_failed_deployment(
    sandboxes: DeployedSandboxes, volumes: Volumes, pair: Pair
) -> None:
    volumes.error = InstallFailed("no matching distribution for fastapy")
    sandbox = deploy(sandboxes, pair("c1"))

    assert (sandbox.state, sandbox.note) == (SandboxState.FAILED, "no matching distribution for fastapy")


def test_a_service_on_localhost_inside_its_container_is_told_so(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, programs: Programs, pair: Pair
) -> None:
    programs.tables = "0: 0100007F:1F40 00000000:0000 0A 0"
    sandbox = deploy(silent_from(sandboxes, "api", store=kept), pair("c1"))

    assert sandbox.note.splitlines() == [
        (
            "api did not answer on port 8000 within 60 s: it listens on localhost inside its container, where nobody "
            "reaches it; bind 0.0.0.0"
        ),
        "serving",
    ]
    assert engine.containers({}) == []
    assert sandboxes.logs(sandbox) == {"api": "serving", "web": "serving"}


def test_a_port_that_a_stranger_has_is_given_up_for_another(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    stopped = sandboxes.stop(deploy(sandboxes, pair("c1")))
    port = int(stopped.urls["api"].rpartition(":")[2])
    engine.taken_ports.add(port)
    sandbox = deploy(sandboxes, pair("c2"))

    assert sandbox.state is SandboxState.RUNNING
    assert sandbox.urls["api"] != stopped.urls["api"]
    with kept.read() as tx:
        assert leased(tx, PORT, "another program") == {"another program": str(port)}


def test_subnets_that_strangers_have_are_given_up_for_another(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, settings: Settings, pair: Pair
) -> None:
    stranger = Labels("stranger", "default", "theirs", ContainerPurpose.SERVICE)
    for number in (0, 48):
        engine.create_network(NetworkSpec(f"theirs-{number}", stranger, subnet=f"10.9.0.{number}/28"))
    four = settings.model_copy(update={"sandbox_subnets": "10.9.0.0/26"})
    sandbox = deploy(replace(sandboxes, settings=four), pair("c1"))

    assert sandbox.state is SandboxState.RUNNING
    ours = [found.subnet for found in engine.networks({}) if found.labels["orket.owner"] != "stranger"]
    assert sorted(filter(None, ours)) == ["10.9.0.16/28", "10.9.0.32/28"]


def test_a_machine_whose_ports_are_all_taken_is_at_fault_and_not_the_commit(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, pair: Pair
) -> None:
    engine.taken_ports.update(range(24_000, 25_000))
    with pytest.raises(SandboxError) as raised:
        deploy(sandboxes, pair("c1"))

    assert "ORKET_SANDBOX_PORTS" in raised.value.next_step
    assert engine.containers({}) == []


def test_an_image_that_is_missing_is_said_and_is_not_the_commits_fault(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    engine.missing_images.add("image")
    with pytest.raises(SandboxError, match="No such image"):
        deploy(sandboxes, pair("c1"))

    with kept.read() as tx:
        found = sandbox_of_rock(tx, "todo")
    assert found is not None
    assert found.state is SandboxState.FAILED
    engine.missing_images.clear()
    assert deploy(sandboxes, pair("c1")).state is SandboxState.RUNNING


@pytest.mark.parametrize("call", ["start", "create_network", "execute", "containers", "remove"])
def test_an_engine_whose_answer_is_lost_is_waited_for_and_nothing_is_left_twice(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, pair: Pair, call: str
) -> None:
    engine.lost_answers.add(call)
    with pytest.raises(EngineUnavailable):
        deploy(sandboxes, pair("c1"))
    sandbox = deploy(sandboxes, pair("c1"))

    assert (sandbox.state, sandbox.generation) == (SandboxState.RUNNING, 1)
    assert names(engine) == ["1-api", "1-web", "forwarder"]
    assert len(engine.networks({})) == 2


def test_a_stop_while_it_starts_leaves_no_container(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    stop = threading.Event()

    def ask(_: str) -> int | None:
        stop.set()
        return None

    with pytest.raises(Stopped):
        replace(sandboxes, ask=ask).deploy(pair("c1"), stop=stop)
    assert engine.containers({}) == []
    assert deploy(sandboxes, pair("c1")).state is SandboxState.RUNNING


def test_a_stop_before_it_starts_leaves_what_serves(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    stop = threading.Event()
    first = deploy(sandboxes, pair("c1"))

    def tell(what: str) -> None:
        if what.startswith("installing"):
            stop.set()

    with pytest.raises(Stopped):
        sandboxes.deploy(pair("c2"), stop=stop, tell=tell)
    assert names(engine) == ["1-api", "1-web", "forwarder"]
    second = deploy(sandboxes, pair("c2"))
    assert (second.state, second.generation, second.urls) == (SandboxState.RUNNING, 2, first.urls)
    assert names(engine) == ["2-api", "2-web", "forwarder"]


def test_an_engine_that_does_not_answer_says_nothing_of_sandboxes(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    deploy(sandboxes, pair("c1"))
    engine.unavailable = True

    assert reconcile(sandboxes, kept) == []
    with kept.read() as tx:
        found = sandbox_of_rock(tx, "todo")
    assert found is not None
    assert found.state is SandboxState.RUNNING


def test_containers_that_are_gone_make_a_running_sandbox_a_failed_one(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    deploy(sandboxes, pair("c1"))
    for container in engine.containers({}):
        engine.remove(container.id)
    (changed,) = reconcile(sandboxes, kept)

    assert changed.state is SandboxState.FAILED
    assert changed.note == "api is gone: its container was removed; web is gone: its container was removed"
    assert reconcile(sandboxes, kept) == []


def test_a_service_that_does_not_answer_is_unhealthy_until_it_does(
    sandboxes: DeployedSandboxes, kept: Store, pair: Pair
) -> None:
    running = deploy(sandboxes, pair("c1"))
    unhealthy = silent_from(sandboxes, "api", store=kept).watch(running)

    assert (unhealthy.state, unhealthy.note) == (SandboxState.UNHEALTHY, "api does not answer")
    assert not silent_from(sandboxes, "api", store=kept).is_healthy(unhealthy)
    assert sandboxes.watch(unhealthy).state is SandboxState.RUNNING


def test_one_container_that_ran_out_of_memory_is_told_so(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair
) -> None:
    sandbox = deploy(sandboxes, pair("c1"))
    with kept.read() as tx:
        engine.run_out_of_memory(handles_of(tx, sandbox.id)["containers"]["api"])

    assert sandboxes.watch(sandbox).note == "api was killed for want of memory"


def test_a_close_look_tells_ends_answers_and_where_a_silent_service_listens(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, programs: Programs, kept: Store, pair: Pair
) -> None:
    running = deploy(sandboxes, pair("c1"))
    with kept.read() as tx:
        engine.end(handles_of(tx, running.id)["containers"]["web"], 127, "sh: nothing\n")
    programs.tables = "0: 0100007F:1F40 00000000:0000 0A 0\n"
    api, web = silent_from(sandboxes, "api", store=kept).look(running)

    assert (api.status, api.listening, api.port, api.rate, api.said) == (None, {8000: False}, 8000, 0.0, "serving")
    assert (web.ended, web.status, web.said) == ("ended with code 127", None, "servingsh: nothing\n")


def test_who_only_watches_does_not_write_over_what_was_changed_meanwhile(
    sandboxes: DeployedSandboxes, engine: MemoryEngine, kept: Store, pair: Pair, clock: FakeClock
) -> None:
    seen = deploy(sandboxes, pair("c1"))
    clock.advance(1)
    stopped = sandboxes.stop(seen)

    assert sandboxes.watch(seen) == stopped
