"""What a container on a real engine got, and how its commands behave."""

import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from orket_pipelines.containers import (
    Container,
    ContainerPurpose,
    ContainerSpec,
    DockerEngine,
    FolderMount,
    Labels,
    NetworkSpec,
    PublishedPort,
    VolumeMount,
    VolumeSpec,
    installation_id,
    request,
)
from orket_pipelines.errors import ContainerError, SettingsError
from orket_pipelines.store import new_id

pytestmark = pytest.mark.docker
USER = (10_001, 10_002)
LOOK_AROUND = """
import json, os
def read(path): return open(path).read()
def may_write(folder):
    try:
        open(folder + "/orket-test", "w").close()
    except OSError:
        return False
    return True
status = dict(line.split(":", 1) for line in read("/proc/1/status").splitlines())
print(json.dumps({
    "status": {name: value.split() for name, value in status.items()},
    "ids": [os.getuid(), os.getgid(), os.getgroups()],
    "writable": [place for place in ("/", "/etc", "/usr", "/var", "/home", "/root", "/tmp", "/data", "/code", "/proc",
                                     "/sys/fs/cgroup", "/dev") if may_write(place)],
    "interfaces": sorted(os.listdir("/sys/class/net")),
    "devices": sorted(name for name in os.listdir("/dev") if not os.path.islink("/dev/" + name)),
    "sockets": [path for path in ("/var/run/docker.sock", "/run/docker.sock") if os.path.exists(path)],
}))
"""


@pytest.fixture
def labels(docker_home: Path) -> Labels:
    return Labels(
        installation_id(docker_home), "tests", f"orket-test-{new_id()}", ContainerPurpose.WORKBENCH, "p", "r", 7
    )


@pytest.fixture
def spec(labels: Labels, docker_home: Path, workbench_image: str) -> ContainerSpec:
    code = docker_home / "checkouts" / "ISSUE-1"
    code.mkdir(parents=True)
    os.chown(code, *USER)
    mounts = (FolderMount(code, "/code", read_only=False),)
    return ContainerSpec(labels.subject, workbench_image, ("sleep", "60"), labels, USER, mounts=mounts)


@pytest.fixture
def container(docker_engine: DockerEngine, spec: ContainerSpec) -> Container:
    return docker_engine.start(spec)


def run(engine: DockerEngine, container: Container, *command: str, **options: Any) -> tuple[int | None, str]:
    said: list[bytes] = []
    exit_code = engine.execute(container.id, command, output=said.append, **options)
    return exit_code, b"".join(said).decode()


def test_every_container_got_what_the_engine_was_asked_for(docker_engine: DockerEngine, spec: ContainerSpec) -> None:
    """By inspection from outside and by a look around from inside, of each shape of container that rooms start."""
    labels, client = spec.labels, docker.APIClient(version="auto")
    forwarding = replace(labels, purpose=ContainerPurpose.FORWARDER)
    network = docker_engine.create_network(NetworkSpec(f"{labels.subject}-net", forwarding, published=True))
    volume = docker_engine.create_volume(VolumeSpec(f"{labels.subject}-volume", labels))
    writable = (*spec.mounts, VolumeMount(volume.name, "/data", read_only=False))
    service = replace(
        spec,
        name=f"{spec.name}-service",
        labels=forwarding,
        network=network.name,
        ports=(PublishedPort(8000, free_port()),),
        mounts=writable,
        restarts=2,
    )
    for asked, interfaces in ((spec, ["lo"]), (service, ["eth0", "lo"])):
        made = docker_engine.start(asked)
        told: dict[str, Any] = client.inspect_container(made.id)
        host = told["HostConfig"]
        assert host["CapDrop"] == ["ALL"]
        assert not host["CapAdd"]
        assert not host["Privileged"]
        assert host["ReadonlyRootfs"]
        assert not host["Devices"]
        assert not host["Binds"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert host["PidsLimit"] == asked.limits.processes
        assert host["Memory"] == host["MemorySwap"] == asked.limits.memory
        assert host["NanoCpus"] == 2_000_000_000
        assert host["IpcMode"] == "private"
        assert (host["PidMode"], host["UTSMode"], host["UsernsMode"]) == ("", "", "")
        assert host["Init"]
        assert host["LogConfig"]["Type"] == "local"
        assert {limit["Name"]: limit["Hard"] for limit in host["Ulimits"]} == {
            "nofile": 4096,
            "fsize": 512 * 1024**2,
            "core": 0,
        }
        assert told["Config"]["User"] == "10001:10002"
        assert (told["Config"]["Tty"], told["Config"]["OpenStdin"]) == (False, False)
        assert {name for name in told["Config"]["Labels"] if name.startswith("orket.")} == {
            "orket.owner",
            "orket.workspace",
            "orket.subject",
            "orket.purpose",
            "orket.process",
            "orket.run",
            "orket.expires",
        }
        bindings = [each for found in told["NetworkSettings"]["Ports"].values() for each in found or ()]
        assert all(each["HostIp"] == "127.0.0.1" for each in bindings)
        assert len(bindings) == len(asked.ports)
        exit_code, said = run(docker_engine, made, "python3", "-c", LOOK_AROUND)
        assert exit_code == 0, said
        seen = json.loads(said)
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(seen["status"][capabilities][0], 16) == 0
        assert seen["status"]["NoNewPrivs"] == ["1"]
        assert seen["status"]["Seccomp"] == ["2"]
        assert seen["status"]["Uid"] == ["10001"] * 4
        assert seen["status"]["Gid"] == ["10002"] * 4
        assert seen["ids"][:2] == [10_001, 10_002]
        assert 0 not in seen["ids"][2]
        assert seen["writable"] == (["/tmp", "/code"] if asked is spec else ["/tmp", "/data", "/code"])
        assert seen["interfaces"] == interfaces
        assert seen["sockets"] == []
        assert set(seen["devices"]) <= {
            "full",
            "mqueue",
            "null",
            "pts",
            "random",
            "shm",
            "tty",
            "urandom",
            "zero",
        }
    options = client.inspect_network(network.id)["Options"]
    assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"


def test_commands_get_their_variables_folder_and_user(docker_engine: DockerEngine, container: Container) -> None:
    script = "echo $GREETING; pwd; id -u; id -g; tty; cat; echo aside >&2; exit 3"
    options: dict[str, Any] = {"environment": {"GREETING": "a=b c"}, "folder": "/code", "user": (10_007, 10_008)}
    exit_code, said = run(docker_engine, container, "sh", "-c", script, **options)
    # The engine carries standard error by a pipe of its own: when its line comes among the others is not promised.
    lines = said.splitlines()
    lines.remove("aside")
    assert (exit_code, lines) == (3, ["a=b c", "/code", "10007", "10008", "not a tty"])


def test_a_program_that_is_missing_is_a_result(docker_engine: DockerEngine, container: Container) -> None:
    exit_code, said = run(docker_engine, container, "no-such-program")
    assert exit_code in {126, 127}
    assert "no-such-program" in said


def test_a_flood_of_output_is_handed_on_as_it_comes(docker_engine: DockerEngine, container: Container) -> None:
    """`yes` never ends: whoever gathered its output first would never return."""
    pieces: list[int] = []
    began = time.monotonic()
    exit_code = docker_engine.execute(
        container.id, ["yes"], output=lambda piece: pieces.append(len(piece)), should_stop=lambda: sum(pieces) > 10**7
    )
    assert exit_code is None
    assert max(pieces) <= 64 * 1024
    assert time.monotonic() - began < 30


def test_a_silent_command_is_given_up_when_asked_to_and_runs_on(
    docker_engine: DockerEngine, container: Container
) -> None:
    began = time.monotonic()
    stop = lambda: time.monotonic() - began > 0.3  # noqa: E731 - read once
    assert run(docker_engine, container, "sleep", "33", should_stop=stop) == (None, "")
    assert time.monotonic() - began < 5
    script = (
        "import glob; print(sum(b'33' in open(p, 'rb').read().split(b'\\0') for p in glob.glob('/proc/*/cmdline')))"
    )
    assert run(docker_engine, container, "python3", "-c", script) == (0, "1\n")


def test_a_command_whose_container_is_removed_meanwhile_says_so(
    docker_engine: DockerEngine, container: Container
) -> None:
    remover = threading.Timer(0.5, docker_engine.remove, [container.id])
    remover.start()
    with pytest.raises(ContainerError, match=r"the container (was removed|ended) meanwhile"):
        run(docker_engine, container, "sleep", "30")
    remover.join()


def test_many_threads_share_an_engine(docker_engine: DockerEngine, container: Container) -> None:
    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(lambda number: run(docker_engine, container, "echo", str(number)), range(24)))
    assert said == [(0, f"{number}\n") for number in range(24)]


def test_a_container_that_wants_too_much_memory_is_killed_and_says_why(
    docker_engine: DockerEngine, spec: ContainerSpec
) -> None:
    hungry = ("python3", "-c", "x = bytearray(500_000_000)")
    limits = replace(spec.limits, memory=64 * 1024**2)
    made = docker_engine.start(replace(spec, command=hungry, limits=limits))
    assert docker_engine.wait(made.id, should_stop=lambda: False) == 137
    found = docker_engine.find(made.id)
    assert found is not None
    assert found.out_of_memory


def test_siblings_know_each_other_by_name_and_nobody_else(docker_engine: DockerEngine, spec: ContainerSpec) -> None:
    network = docker_engine.create_network(NetworkSpec(f"{spec.name}-net", spec.labels))
    docker_engine.start(replace(spec, name=f"{spec.name}-a", network=network.name, aliases=("api",)))
    other = docker_engine.start(replace(spec, name=f"{spec.name}-b", network=network.name))
    ask = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
    exit_code, said = run(docker_engine, other, "python3", "-c", ask, "api")
    assert exit_code == 0, said
    assert run(docker_engine, other, "python3", "-c", ask, "example.com")[0] == 1


def test_the_facts_name_the_engine_and_its_isolation(docker_engine: DockerEngine) -> None:
    facts = docker_engine.facts()
    assert facts.version
    assert facts.tier in {"runc", "rootless", "gvisor", "kata"}


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def test_a_tier_that_the_engine_lacks_starts_nothing(docker_home: Path, spec: ContainerSpec) -> None:
    engine = DockerEngine(docker_home, tier="kata")
    if any("kata" in name for name in docker.APIClient(version="auto").info()["Runtimes"]):
        pytest.skip("this engine has it")
    with pytest.raises(SettingsError, match=r"no such runtime: it has .*runc"):
        engine.start(spec)
    with pytest.raises(SettingsError, match="no such runtime"):
        engine.facts()
    assert engine.find(spec.name) is None


def test_a_runtime_that_is_asked_for_is_the_one_that_runs(docker_home: Path, spec: ContainerSpec) -> None:
    """Under one of its other names: this is what gVisor and Kata are asked for with."""
    client = docker.APIClient(version="auto")
    asked = request.create_container(spec, "runc")
    made = client.create_container_from_config(asked, spec.name)["Id"]  # type: ignore[no-untyped-call]
    assert client.inspect_container(made)["HostConfig"]["Runtime"] == "runc"
