"""The network that the forwarders of a workspace share: made once, whoever is first, and gone with the last."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.clock import MICROSECONDS, FakeClock
from orket_pipelines.containers import (
    Container,
    ContainerPurpose,
    ContainerSpec,
    Engine,
    Labels,
    MemoryEngine,
    NetworkSpec,
    installation_id,
    reap,
)
from orket_pipelines.containers.model import PUBLISHED, Network
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.errors import ContainerError
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.sandboxes.allocations import SUBNET, leased
from orket_pipelines.sandboxes.networks import Networks
from orket_pipelines.sandboxes.on_engine import ContainerRuntime
from orket_pipelines.sandboxes.opening import station_of
from orket_pipelines.sandboxes.records import list_sandboxes
from orket_pipelines.sandboxes.runtime import AddressTaken
from orket_pipelines.sandboxes.upkeep import is_used
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from tests.kills import do_and_die

pytestmark = pytest.mark.slow
POOL = "10.213.4.0/23"


def opened(home: Path, *, workspace: str = "default", engine: MemoryEngine | None = None) -> DeployedSandboxes:
    settings = Settings(home=home, sandbox_beside="always", workspace=workspace)
    store = Store.open(settings.store_url, workspace_id=workspace)
    engine = engine or MemoryEngine(home, path=home / "engine.jsonl")
    return replace(open_sandboxes(settings, store, MemoryInstaller(), engine=engine), ask=lambda _: 200)


def deploy(sandboxes: DeployedSandboxes, rock: str, commit: str = "c1") -> Sandbox:
    source = sandboxes.settings.home.parent / "source"
    made = sandboxes.deploy(Deployment(rock, rock, commit, source), stop=threading.Event())
    assert made.state is SandboxState.RUNNING
    return made


def fronts(engine: MemoryEngine) -> list[Network]:
    return [each for each in engine.networks({}) if PUBLISHED in each.labels]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "orket.yaml").write_text("services: {api: {kind: web, start: [python, server.py]}}\n")
    return tmp_path / "home"


@pytest.fixture
def engine(home: Path) -> MemoryEngine:
    return MemoryEngine(home)


@pytest.fixture
def networks(home: Path, engine: MemoryEngine, clock: FakeClock) -> Networks:
    return Networks(engine, station_of(Settings(home=home)), clock)


@pytest.fixture
def forwarder(home: Path, engine: MemoryEngine) -> Callable[[str], Container]:
    labels = Labels(installation_id(home), "default", "sandbox", ContainerPurpose.FORWARDER)
    return lambda front: engine.start(ContainerSpec("orket-1", "image", ("run",), labels, (7, 8), network=front))


def test_ten_sandboxes_at_once_stand_on_one_front(home: Path, engine: MemoryEngine) -> None:
    sandboxes = opened(home, engine=engine)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda number: deploy(sandboxes, f"rock-{number}"), range(10)))

    [front] = fronts(engine)
    forwarders = [each for each in engine.containers({}) if each.name.endswith("-forwarder")]
    assert len({each.addresses[front.name] for each in forwarders}) == 10
    with sandboxes.store.read() as tx:
        assert leased(tx, SUBNET, "front") == {"front": front.subnet}
    sandboxes.store.close()


def test_who_comes_second_takes_the_front_that_the_first_made_meanwhile(
    networks: Networks, engine: MemoryEngine, home: Path, clock: FakeClock
) -> None:
    class Late(MemoryEngine):
        """Sees a network of another process only after it wanted to make the same."""

        def create_network(self, spec: NetworkSpec) -> Network:
            if not engine.networks({}):
                engine.create_network(spec)
            return engine.create_network(spec)

        def networks(self, labels: Mapping[str, str]) -> list[Network]:
            return engine.networks(labels)

    second = Networks(Late(home), networks.station, clock)
    assert second.on_front(POOL, lambda name: name) == fronts(engine)[0].name
    assert len(fronts(engine)) == 1


def test_a_front_that_went_before_anything_stood_on_it_is_made_again(
    networks: Networks, engine: MemoryEngine, forwarder: Callable[[str], Container]
) -> None:
    seen: list[str] = []

    def start(front: str) -> Container:
        if not seen:
            networks.remove("the last sandbox that stood on it")
        seen.append(front)
        return forwarder(front)

    made = networks.on_front(POOL, start)
    assert seen == [fronts(engine)[0].name] * 2
    assert list(made.addresses) == seen[:1]


def test_what_fails_for_another_reason_is_not_tried_again(networks: Networks, engine: MemoryEngine) -> None:
    seen: list[str] = []

    def start(front: str) -> None:
        seen.append(front)
        raise ContainerError("no space left on device")

    with pytest.raises(ContainerError, match="no space"):
        networks.on_front(POOL, start)
    assert (len(seen), len(fronts(engine))) == (1, 1)


def test_addresses_that_a_stranger_has_are_told(networks: Networks, engine: MemoryEngine) -> None:
    stranger = Labels("stranger", "default", "front", ContainerPurpose.FORWARDER)
    engine.create_network(NetworkSpec("theirs", stranger, subnet="10.213.5.0/28", published=True))
    with pytest.raises(AddressTaken, match=POOL):
        networks.on_front(POOL, lambda name: name)
    networks.remove("sandbox")
    assert [each.name for each in engine.networks({})] == ["theirs"]


def test_the_front_stays_for_who_stands_on_it_and_goes_with_the_last(home: Path, engine: MemoryEngine) -> None:
    sandboxes, elsewhere = opened(home, engine=engine), opened(home, workspace="other", engine=engine)
    one, two, theirs = deploy(sandboxes, "one"), deploy(sandboxes, "two"), deploy(elsewhere, "theirs")
    assert len(fronts(engine)) == 2, "one of each workspace"
    sandboxes.down(one)
    assert len(fronts(engine)) == 2
    sandboxes.down(two)
    assert [each.labels["orket.workspace"] for each in fronts(engine)] == ["other"]
    elsewhere.down(theirs)
    assert (engine.networks({}), engine.containers({})) == ([], [])
    sandboxes.store.close()
    elsewhere.store.close()


def test_a_stopped_sandbox_starts_again_though_the_front_went_with_another(home: Path, engine: MemoryEngine) -> None:
    sandboxes = opened(home, engine=engine)
    stopped, other = sandboxes.stop(deploy(sandboxes, "one")), deploy(sandboxes, "two")
    sandboxes.down(other)
    assert fronts(engine) == []
    assert deploy(sandboxes, "one").urls == stopped.urls
    assert len(fronts(engine)) == 1
    sandboxes.store.close()


@pytest.mark.parametrize("failpoint", ["sandboxes.after_network", "sandboxes.after_container", "containers.created"])
def test_a_kill_while_the_first_is_brought_up_leaves_a_front_that_the_next_finds(home: Path, failpoint: str) -> None:
    assert do_and_die(lambda: deploy(opened(home), "one"), failpoint) == failpoint
    sandboxes = opened(home)
    deploy(sandboxes, "one")
    deploy(sandboxes, "two")
    assert len(fronts(MemoryEngine(home, path=home / "engine.jsonl"))) == 1
    sandboxes.store.close()


def test_a_kill_before_the_front_is_removed_leaves_it_to_the_same_again_and_to_no_reap(home: Path) -> None:
    def leave() -> None:
        sandboxes = opened(home)
        sandboxes.down(deploy(sandboxes, "one"))

    assert do_and_die(leave, "sandboxes.down.sealed_removed") == "sandboxes.down.sealed_removed"
    engine = MemoryEngine(home, path=home / "engine.jsonl")
    sandboxes = opened(home, engine=engine)
    assert reaped(sandboxes, engine) == (), "its sandbox is not gone yet"
    with sandboxes.store.read() as tx:
        [left] = list_sandboxes(tx)
    assert sandboxes.down(left).state is SandboxState.DELETED
    assert engine.networks({}) == []
    sandboxes.store.close()


def test_a_front_without_any_sandbox_goes_with_the_next_reap(networks: Networks, home: Path) -> None:
    name, sandboxes = networks.on_front(POOL, lambda name: name), opened(home)
    assert reaped(sandboxes, networks.engine) == (name,)
    sandboxes.store.close()


def reaped(sandboxes: DeployedSandboxes, engine: Engine) -> tuple[str, ...]:
    """The networks that go with a reap, long after."""
    with sandboxes.store.read() as tx:
        rows, later = list_sandboxes(tx), tx.now + 1_000_000_000 * MICROSECONDS
    owner = installation_id(sandboxes.settings.home)
    return reap(
        engine, owner=owner, workspace="default", now=later, is_live=lambda labels: is_used(labels, rows)
    ).networks


def test_a_sandbox_with_a_front_of_its_own_gets_its_next_commit_and_goes_cleanly(
    home: Path, engine: MemoryEngine
) -> None:
    """As installations have them that are older than the shared one."""
    sandboxes = opened(home, engine=engine)
    sandbox = deploy(sandboxes, "one")
    own = f"orket-{sandbox.id[:12]}-front"
    labels = Labels(installation_id(home), "default", sandbox.id, ContainerPurpose.FORWARDER)
    stands_on_its_own(engine, sandbox, NetworkSpec(own, labels, published=True))
    second = deploy(sandboxes, "one", "c2")

    assert (second.urls, second.generation) == (sandbox.urls, 2)
    forwarder = engine.find(f"orket-{sandbox.id[:12]}-forwarder")
    assert forwarder is not None
    assert own in forwarder.addresses
    third = deploy(in_its_place(sandboxes), "one", "c3")
    assert third.urls == sandbox.urls
    sandboxes.down(third)
    assert (engine.networks({}), engine.containers({})) == ([], [])
    sandboxes.store.close()


def stands_on_its_own(engine: MemoryEngine, sandbox: Sandbox, front: NetworkSpec) -> None:
    """The forwarder stands on a front of its sandbox's own, and there is none that is shared."""
    found = engine._world.find(f"orket-{sandbox.id[:12]}-forwarder")
    assert found is not None
    engine.remove(found.id)
    for shared in fronts(engine):
        engine.remove_idle_network(shared.id)
    engine.create_network(front)
    engine.start(replace(found.spec, network=front.name))
    engine.connect(f"orket-{sandbox.id[:12]}-sealed", found.spec.name)


def in_its_place(sandboxes: DeployedSandboxes) -> DeployedSandboxes:
    """The same, but what serves goes first."""
    runtime = sandboxes.runtime
    assert isinstance(runtime, ContainerRuntime)
    return replace(sandboxes, runtime=replace(runtime, station=replace(runtime.station, beside="never")))
