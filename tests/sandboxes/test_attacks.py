"""A live sandbox attacked from inside, on a real engine; and the same probes where nothing holds, which must say so."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
import pytest

from orket_pipelines.containers import DockerEngine, installation_id, open_engine
from orket_pipelines.containers.model import OWNER
from orket_pipelines.sandboxes.attacks import ATTACKS, Attack, Outcome, Target, Verdict, attack
from orket_pipelines.sandboxes.attacks.ground import _listening
from orket_pipelines.sandboxes.attacks.model import Ground, Seen
from orket_pipelines.sandboxes.attacks.running import probe
from orket_pipelines.sandboxes.attacks.target import FOLDER
from orket_pipelines.settings import Settings
from orket_pipelines.store import new_id

pytestmark = [pytest.mark.docker, pytest.mark.slow]
ORKET = "from orket_pipelines.cli import main; main()"
HEEDS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
"""A shell has what it runs in the background ignore it, and that is inherited."""
SECRET = "a-file-of-the-machine"
KNOWN = b"\x81\x80"
"""The flags of a resolver's answer that found the name."""
attacks = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)


@pytest.fixture(scope="module")
def outcomes(workbench_image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What came of each attack; where the sandboxes lay, nothing is left of them."""
    home = tmp_path_factory.mktemp("attacked")
    made = attack(Settings(home=home, workbench_image=workbench_image, sandbox_start_timeout=30))
    found = {outcome.name: outcome for outcome in made}
    assert traces(home) == []
    return found


@attacks
def test_a_live_sandbox_holds_against(attack: Attack, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[attack.name]
    # A machine that is busy with other tests may be too busy to tell of a bomb what its neighbour felt.
    assert outcome.verdict is Verdict.HELD or (attack.is_bomb and "too busy to tell" in outcome.told), outcome.told


@pytest.fixture(scope="module")
def plain(workbench_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A container as anybody starts one, with what a careless person gives it: nothing that holds anything."""
    engine, folder = docker.APIClient(version="auto"), tmp_path_factory.mktemp("machine")
    (folder / "secret").write_text(SECRET)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(folder / "docker.sock"))
    binds = [f"{folder}/secret:/source/link", f"{folder}/docker.sock:/run/docker.sock"]
    options = engine.create_host_config(binds=binds, security_opt=["seccomp=unconfined"])
    made = engine.create_container(
        workbench_image,
        ["sh", "-c", "touch orket-hostile-name; exec sleep 600"],
        working_dir="/tmp",
        environment={"ORKET_HOSTILE_COMPOSE": "1"},
        host_config=options,
        name=f"orket-test-plain-{new_id()}",
    )["Id"]
    engine.start(made)
    yield made
    engine.remove_container(made, force=True)


@pytest.fixture(scope="module")
def careless(plain: str) -> Iterator[Ground]:
    """Somebody answers at each kind of address; limits are such that the plain container is beyond them."""
    told = docker.APIClient(version="auto").inspect_container(plain)
    host = told["NetworkSettings"]["Gateway"]
    with _listening() as port, answering_names(host) as resolver:
        there = (Target(host, port, reachable=True),)
        names = (Target(host, resolver, reachable=True),)
        yield Ground(
            *(there, there, names, there, there),
            host_process=os.getpid(),
            memory=64 * 1024**2,
            processes=24,
            log=512 * 1024,
            secret=SECRET,
            seconds=0.4,
        )


class answering_names:  # noqa: N801 - read as a phrase
    """A resolver that knows every name; its port."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))

    def __enter__(self) -> int:
        threading.Thread(target=self._answer, daemon=True).start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _answer(self) -> None:
        with suppress(OSError):
            while True:
                question, sender = self._socket.recvfrom(512)
                counts = struct.pack(">HHHH", 1, 0, 0, 0)
                self._socket.sendto(question[:2] + KNOWN + counts + question[12:], sender)


@attacks
def test_where_nothing_holds_it_the_same_probe_tells_of_the_hole(
    attack: Attack, plain: str, careless: Ground, workbench_image: str, tmp_path: Path
) -> None:
    engine = AsUser(tmp_path) if attack.name in {"setuid", "system-calls"} else open_engine(tmp_path)
    attempts = probe(engine, plain, attack, careless)
    log = len(engine.logs(plain, tail=1_000_000)) if attack.is_bomb else 0
    verdict, told = attack.judge(attempts, careless, Seen(log=log, quiet=0.01, loaded=0.01))
    assert verdict is Verdict.BROKEN, told


class AsUser(DockerEngine):
    """Commands are run as somebody who is not root, and would become it."""

    def execute(self, container: str, command: Sequence[str], **options: Any) -> int | None:
        return super().execute(container, command, **(options | {"user": (10_001, 10_001)}))


def test_what_slows_a_neighbour_down_is_seen(outcomes: dict[str, Outcome]) -> None:
    assert all("its neighbour answered in" in outcomes[each.name].told for each in ATTACKS if each.is_bomb)


def test_an_interrupted_run_leaves_nothing(workbench_image: str, tmp_path: Path) -> None:
    process = started(tmp_path, workbench_image)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert traces(tmp_path) == []


def test_what_a_killed_run_left_goes_with_the_next(workbench_image: str, tmp_path: Path) -> None:
    process = started(tmp_path, workbench_image)
    process.kill()
    process.wait()
    assert traces(tmp_path) != []
    few = [each for each in ATTACKS if each.name == "capabilities"]
    [outcome] = attack(Settings(home=tmp_path, workbench_image=workbench_image), attacks=few)
    assert outcome.verdict is Verdict.HELD
    assert traces(tmp_path) == []


def started(home: Path, image: str) -> "subprocess.Popen[str]":
    """`orket doctor --attack`, once its first attack is told of."""
    command = [sys.executable, "-c", f"{HEEDS}; {ORKET}", "doctor", "--attack", "--home", str(home)]
    environment = {**os.environ, "ORKET_WORKBENCH_IMAGE": image, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    assert process.stdout is not None
    until = time.monotonic() + 60
    for line in process.stdout:
        if "held" in line:
            return process
        assert time.monotonic() < until
    raise AssertionError("it told of no attack")


def traces(home: Path) -> list[str]:
    """What is left of a run below `home`."""
    engine, owner = open_engine(home), {OWNER: installation_id(home / FOLDER)}
    names = [each.name for each in engine.containers(owner)] + [each.name for each in engine.networks(owner)]
    return names + [str(path) for path in (home / FOLDER,) if path.exists()]
