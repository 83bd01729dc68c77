"""What every `Engine` means, whoever answers."""

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from orket_pipelines.containers import (
    ContainerPurpose,
    ContainerSpec,
    Engine,
    Labels,
    MemoryEngine,
    NetworkSpec,
    PublishedPort,
    VolumeMount,
    VolumeSpec,
    installation_id,
    reap,
)
from orket_pipelines.containers.model import OWNER, SUBJECT
from orket_pipelines.errors import ContainerError, PortTaken, SpecRefused, SubnetTaken
from orket_pipelines.store import new_id

SAY_AND_FAIL = ("sh", "-c", "echo done; exit 7")
NEVER: Callable[[], bool] = lambda: False  # noqa: E731 - a name for an argument
AT_ONCE: Callable[[], bool] = lambda: True  # noqa: E731 - the same


def programs(_spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
    """For the engine in memory: what the commands of these tests come to."""
    match tuple(command):
        case ("sleep", _):
            return None, ""
        case ("echo", *words):
            return 0, f"{' '.join(words)}\n"
        case _:
            return (7, "done\n") if tuple(command) == SAY_AND_FAIL else (1, "")


@dataclass
class Place:
    """An engine, and specs for it whose names nobody else uses."""

    engine: Engine
    home: Path
    image: str
    mark: str

    def labels(self, purpose: ContainerPurpose = ContainerPurpose.WORKBENCH) -> Labels:
        return Labels(installation_id(self.home), "tests", self.mark, purpose)

    def spec(self, name: str = "one", command: tuple[str, ...] = ("sleep", "60")) -> ContainerSpec:
        return ContainerSpec(f"{self.mark}-{name}", self.image, command, self.labels(), (10_001, 10_001))

    def network(self, name: str = "net", **facts: object) -> NetworkSpec:
        return replace(NetworkSpec(f"{self.mark}-{name}", self.labels()), **facts)  # type: ignore[arg-type]

    def front(self) -> NetworkSpec:
        return self.network(published=True, labels=self.labels(ContainerPurpose.FORWARDER))

    def forwarder(self, network: str, port: int, name: str = "web") -> ContainerSpec:
        labels = self.labels(ContainerPurpose.FORWARDER)
        ports = (PublishedPort(8000, port),)
        return replace(self.spec(name), labels=labels, network=network, aliases=("web",), ports=ports)

    def volume(self) -> VolumeSpec:
        return VolumeSpec(f"{self.mark}-volume", self.labels())


@pytest.fixture(params=["memory", "kept", pytest.param("docker", marks=pytest.mark.docker)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    mark = f"orket-test-{new_id()}"
    if request.param == "docker":
        home, image = request.getfixturevalue("docker_home"), request.getfixturevalue("workbench_image")
        return Place(request.getfixturevalue("docker_engine"), home, image, mark)
    path = tmp_path / "engine.jsonl" if request.param == "kept" else None
    return Place(MemoryEngine(tmp_path, programs, path=path), tmp_path, "workbench", mark)


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def test_a_container_is_found_by_name_and_labels_until_it_is_removed(place: Place) -> None:
    made = place.engine.start(place.spec())
    assert (made.name, made.image, made.running, made.exit_code) == (f"{place.mark}-one", place.image, True, None)
    assert abs(made.created_at / 1_000_000 - time.time()) < 60
    assert place.engine.find(made.name) == place.engine.find(made.id) == made
    assert place.engine.containers({SUBJECT: place.mark}) == [made]
    assert place.engine.containers({SUBJECT: place.mark, OWNER: "somebody else"}) == []
    for _ in range(2):
        place.engine.remove(made.id)
        assert place.engine.find(made.name) is None
        assert place.engine.containers({SUBJECT: place.mark}) == []


def test_commands_give_their_exit_code_and_output(place: Place) -> None:
    made, said = place.engine.start(place.spec()), list[bytes]()
    assert place.engine.execute(made.id, ["echo", "hello", "there"], output=said.append) == 0
    assert place.engine.execute(made.name, ["false"], output=said.append) == 1
    assert b"".join(said) == b"hello there\n"
    assert place.engine.execute(made.id, ["sleep", "30"], output=said.append, should_stop=AT_ONCE) is None


def test_commands_as_root_are_refused(place: Place) -> None:
    made = place.engine.start(place.spec())
    with pytest.raises(SpecRefused, match="user 0:0 is root"):
        place.engine.execute(made.id, ["id"], output=lambda _: None, user=(0, 0))


def test_a_container_that_was_stopped_stays_and_takes_no_commands(place: Place) -> None:
    made = place.engine.start(place.spec())
    assert place.engine.wait(made.id, should_stop=AT_ONCE) is None
    place.engine.stop(made.id, grace=0)
    stopped = place.engine.find(made.id)
    assert stopped is not None
    assert not stopped.running
    # Which one depends on how far its start had come.
    assert stopped.exit_code not in {None, 0}
    for container in (made.id, "orket-test-nothing"):
        with pytest.raises(ContainerError):
            place.engine.execute(container, ["echo"], output=lambda _: None)


def test_a_container_ends_with_its_command_and_keeps_what_it_said(place: Place) -> None:
    made = place.engine.start(place.spec(command=SAY_AND_FAIL))
    assert place.engine.wait(made.id, should_stop=NEVER) == 7
    assert place.engine.wait(made.id, should_stop=NEVER) == 7
    assert place.engine.logs(made.id) == "done\n"
    ended = place.engine.find(made.id)
    assert ended is not None
    assert (ended.running, ended.exit_code, ended.out_of_memory) == (False, 7, False)


def test_a_second_container_of_a_name_is_refused_and_the_first_runs_on(place: Place) -> None:
    made = place.engine.start(place.spec())
    with pytest.raises(ContainerError):
        place.engine.start(place.spec())
    assert place.engine.containers({SUBJECT: place.mark}) == [made]


def test_a_port_in_use_is_told_apart_and_nothing_is_left_behind(place: Place) -> None:
    network, port = place.engine.create_network(place.front()), free_port()
    place.engine.start(place.forwarder(network.name, port))
    with pytest.raises(PortTaken, match=str(port)):
        place.engine.start(place.forwarder(network.name, port, "second"))
    assert place.engine.find(f"{place.mark}-second") is None


def test_an_image_that_is_not_there_is_refused_and_nothing_is_left_behind(place: Place) -> None:
    missing = replace(place.spec(), image="orket-test-no-such-image:1")
    if isinstance(place.engine, MemoryEngine):
        place.engine.missing_images.add(missing.image)
    assert place.engine.find_image(missing.image) is None
    assert place.engine.find_image(place.image) is not None
    with pytest.raises(ContainerError):
        place.engine.start(missing)
    assert place.engine.containers({SUBJECT: place.mark}) == []


def test_a_network_joins_containers_and_goes_with_whatever_is_attached(place: Place) -> None:
    first = place.engine.create_network(place.network(subnet="10.214.7.16/28"))
    assert place.engine.networks({SUBJECT: place.mark}) == [first]
    assert first.subnet == "10.214.7.16/28"
    with pytest.raises(SubnetTaken):
        place.engine.create_network(place.network("overlapping", subnet="10.214.7.16/29"))
    second = place.engine.create_network(place.network("second"))
    made = place.engine.start(replace(place.spec(), network=first.name))
    assert made.addresses[first.name].startswith("10.214.7.")
    place.engine.connect(second.name, made.id, aliases=["one"])
    joined = place.engine.find(made.id)
    assert joined is not None
    assert set(joined.addresses) == {first.name, second.name}
    for network in (first.name, second.id, first.name):
        place.engine.remove_network(network)
    assert place.engine.networks({SUBJECT: place.mark}) == []


def test_a_network_that_something_runs_on_is_not_idle_and_goes_once_it_ended(place: Place) -> None:
    network = place.engine.create_network(place.network())
    made = place.engine.start(replace(place.spec(), network=network.name))
    with pytest.raises(ContainerError):
        place.engine.remove_idle_network(network.id)
    assert place.engine.networks({SUBJECT: place.mark}) == [network]
    place.engine.remove(made.id)
    for _ in range(2):
        place.engine.remove_idle_network(network.id)
        assert place.engine.networks({SUBJECT: place.mark}) == []


def test_a_volume_in_use_stays(place: Place) -> None:
    made = place.engine.create_volume(place.volume())
    assert place.engine.volumes({SUBJECT: place.mark}) == [made]
    mounts = (VolumeMount(made.name, "/data", read_only=False),)
    user = place.engine.start(replace(place.spec(), mounts=mounts))
    with pytest.raises(ContainerError):
        place.engine.remove_volume(made.name)
    place.engine.remove(user.id)
    for _ in range(2):
        place.engine.remove_volume(made.name)
        assert place.engine.volumes({SUBJECT: place.mark}) == []


def test_a_volume_that_is_not_there_is_refused_rather_than_made(place: Place) -> None:
    name = f"{place.mark}-volume"
    with pytest.raises(ContainerError):
        place.engine.start(replace(place.spec(), mounts=(VolumeMount(name, "/data"),)))
    assert name not in {volume.name for volume in place.engine.volumes({})}


def test_nothing_of_another_installation_is_joined_or_mounted(place: Place) -> None:
    foreign = replace(place.labels(), owner="somebody-else")
    network = place.engine.create_network(place.network(labels=foreign))
    volume = place.engine.create_volume(VolumeSpec(f"{place.mark}-volume", foreign))
    try:
        with pytest.raises(SpecRefused, match="not one that this installation made"):
            place.engine.start(replace(place.spec(), network=network.name))
        with pytest.raises(SpecRefused, match="not one that this installation made"):
            place.engine.start(replace(place.spec(), mounts=(VolumeMount(volume.name, "/data"),)))
    finally:
        place.engine.remove_network(network.id)
        place.engine.remove_volume(volume.name)


def test_only_the_proxy_joins_a_network_with_egress(place: Place) -> None:
    network = place.engine.create_network(place.network(egress=True, labels=place.labels(ContainerPurpose.PROXY)))
    with pytest.raises(SpecRefused, match="egress"):
        place.engine.start(replace(place.spec(), network=network.name))
    made = place.engine.start(place.spec())
    with pytest.raises(SpecRefused, match="egress"):
        place.engine.connect(network.name, made.id)


def test_only_a_forwarder_joins_a_network_with_a_way_to_this_host(place: Place) -> None:
    network = place.engine.create_network(place.front())
    with pytest.raises(SpecRefused, match="a way to this host"):
        place.engine.start(replace(place.spec(), network=network.name))
    made = place.engine.start(place.spec())
    with pytest.raises(SpecRefused, match="a way to this host"):
        place.engine.connect(network.name, made.id)


def test_what_nobody_owns_is_reaped_once_and_the_rest_stays(place: Place) -> None:
    engine, now = place.engine, int(time.time() * 1_000_000)
    volume = engine.create_volume(replace(place.volume(), labels=replace(place.labels(), expires=1)))
    network = engine.create_network(place.network(labels=replace(place.labels(), subject="gone")))
    living = engine.start(place.spec())
    dead = engine.start(replace(place.spec("dead"), labels=replace(place.labels(), process="dead")))
    facts = {"owner": installation_id(place.home), "workspace": "tests", "is_dead": lambda process: process == "dead"}

    def reap_all(at: int) -> tuple[tuple[str, ...], ...]:
        found = reap(engine, now=at, is_live=lambda labels: labels[SUBJECT] == place.mark, **facts)  # type: ignore[arg-type]
        return found.containers, found.networks, found.volumes

    assert reap_all(now) == ((dead.name,), (), (volume.name,))
    assert reap_all(now + 3_600_000_000) == ((), (network.name,), ())
    assert reap_all(now + 3_600_000_000) == ((), (), ())
    assert engine.find(living.id) == living
