"""Sandboxes on a real engine: served, replaced, killed in the middle, and gone without a trace."""

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.containers import DockerEngine, installation_id
from orket_pipelines.containers.model import OWNER, PUBLISHED
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.sandboxes.diagnosing import explain
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

pytestmark = pytest.mark.docker
Pair = Callable[..., Deployment]
KILLED = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conftest import NothingToInstall
from orket_pipelines.containers import open_engine
from orket_pipelines.sandboxes import Deployment, open_sandboxes
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
settings = Settings(home=Path(sys.argv[2]), workbench_image=sys.argv[4])
store = Store.open(settings.store_url)
sandboxes = open_sandboxes(settings, store, NothingToInstall(), engine=open_engine(settings.home))
sandboxes.deploy(Deployment("todo", "todo", "c2", Path(sys.argv[3])), stop=threading.Event())
"""


@pytest.fixture
def settings(docker_home: Path, workbench_image: str) -> Settings:
    settings = Settings(home=docker_home, workbench_image=workbench_image, sandbox_start_timeout=20)
    return settings.model_copy(update={"sandbox_beside": "always"})


@pytest.fixture
def sandboxes(settings: Settings, installer: Installer, docker_engine: DockerEngine) -> Iterator[DeployedSandboxes]:
    store = Store.open(settings.store_url)
    yield open_sandboxes(settings, store, installer, engine=docker_engine)
    store.close()


def deploy(sandboxes: DeployedSandboxes, deployment: Deployment) -> Sandbox:
    return sandboxes.deploy(deployment, stop=threading.Event())


def get(url: str | None, path: str = "/") -> str:
    assert url is not None
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request("GET", path)
    body = connection.getresponse().read().decode()
    connection.close()
    return body


def owned(settings: Settings) -> dict[str, str]:
    return {OWNER: installation_id(settings.home)}


def names(engine: DockerEngine, settings: Settings) -> list[str]:
    return sorted(container.name.split("-", 2)[2] for container in engine.containers(owned(settings)))


def test_a_pair_is_built_served_replaced_and_removed(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, settings: Settings, pair: Pair
) -> None:
    first = deploy(sandboxes, pair("c1"))
    assert (first.state, first.note) == (SandboxState.RUNNING, "")
    assert get(first.url) == "page c1"
    assert get(first.url, "/api/version") == "api c1"

    second = deploy(sandboxes, pair("c2"))
    assert second.urls == first.urls
    assert get(second.url, "/api/version") == "api c2"
    assert names(docker_engine, settings) == ["2-api", "2-web", "forwarder"]
    assert "serving c2" in sandboxes.logs(second)["api"]
    assert re.fullmatch(r"\S+Z serving c2", sandboxes.logs(second, stamped=True)["api"].splitlines()[0])
    assert explain(second.state, second.note, sandboxes.look(second)) == []
    assert sandboxes.watch(second) == second

    stopped = sandboxes.stop(second)
    assert not sandboxes.is_healthy(stopped)
    assert "serving c2" in sandboxes.logs(stopped)["api"]
    sandboxes.down(stopped)
    assert docker_engine.containers(owned(settings)) == []
    assert docker_engine.networks(owned(settings)) == []
    assert docker_engine.volumes(owned(settings)) == []


REACH = """
import socket, sys
reached = []
for host in sys.argv[2:]:
    for port in (8999, 9000):
        try:
            socket.create_connection((host, port), 0.5).close()
            reached.append(f"{host}:{port}")
        except OSError:
            pass
print(sys.argv[1], *reached)
"""


def test_two_share_a_front_on_which_forwarders_do_not_reach_each_other(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, settings: Settings, pair: Pair
) -> None:
    first, second = (deploy(sandboxes, replace(pair("c1"), rock_id=rock)) for rock in ("one", "two"))
    [front] = (each for each in docker_engine.networks(owned(settings)) if PUBLISHED in each.labels)
    one, two = (docker_engine.find(f"orket-{each.id[:12]}-forwarder") for each in (first, second))
    assert one is not None
    assert two is not None
    said: list[bytes] = []
    hosts = [two.addresses[front.name], two.name, one.addresses[front.name]]
    docker_engine.execute(one.id, ["python3", "-c", REACH, "reached", *hosts], output=said.append)
    itself = " ".join(f"{hosts[2]}:{port}" for port in (8999, 9000))
    assert b"".join(said).decode().strip() == f"reached {itself}"

    sandboxes.down(first)
    assert get(second.url) == "page c1"
    assert [each.id for each in docker_engine.networks(owned(settings)) if PUBLISHED in each.labels] == [front.id]
    sandboxes.down(second)
    assert docker_engine.networks(owned(settings)) == []


FRONT = """
import sys
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from orket_pipelines.clock import SystemClock
from orket_pipelines.containers import open_engine
from orket_pipelines.sandboxes.networks import Networks
from orket_pipelines.sandboxes.opening import station_of
from orket_pipelines.settings import Settings
settings = Settings(home=Path(sys.argv[1]))
networks = Networks(open_engine(settings.home), station_of(settings), SystemClock())
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(4) as pool:
    print(*pool.map(lambda _: networks.on_front(sys.argv[2], lambda name: networks._front().id), range(4)))
"""


@pytest.mark.slow
def test_processes_that_want_the_front_at_the_same_moment_make_exactly_one(
    docker_engine: DockerEngine, settings: Settings
) -> None:
    command = [sys.executable, "-c", FRONT, str(settings.home), "10.214.64.0/23"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(command, **pipes) for _ in range(3)]
    assert [process.stdout.readline() for process in started if process.stdout is not None] == ["ready\n"] * 3
    for process in started:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    told = {front for process in started for front in process.communicate(timeout=60)[0].split()}

    assert told == {each.id for each in docker_engine.networks(owned(settings))}
    assert len(told) == 1


class Client(threading.Thread):
    """Asks all the time, each time anew; what it was told, the same in a row once, and what went wrong."""

    def __init__(self, url: str | None) -> None:
        super().__init__(daemon=True)
        self._url, self._over = url, threading.Event()
        self.asked, self.told = 0, [""]
        self.failed: list[str] = []

    def run(self) -> None:
        while not self._over.wait(0.005):
            self.asked += 1
            try:
                said = get(self._url, "/api/version")
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))
            else:
                self.told += [said] if self.told[-1] != said else []

    def end(self) -> None:
        self._over.set()
        self.join()


def test_who_asks_all_the_time_is_answered_while_a_commit_takes_over_and_while_one_fails(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, settings: Settings, pair: Pair
) -> None:
    first = deploy(sandboxes, pair("c1"))
    client = Client(first.url)
    client.start()
    second = deploy(sandboxes, pair("c2"))
    broken = deploy(sandboxes, pair("c3", server="import nothing_of_that_name"))
    client.end()

    assert (client.failed, client.told) == ([], ["", "api c1", "api c2"])
    assert client.asked > 50
    assert (second.state, broken.state, broken.commit) == (SandboxState.RUNNING, SandboxState.FAILED, "c3")
    assert "No module named 'nothing_of_that_name'" in broken.note
    assert (broken.serving, broken.urls) == ({"commit": "c2", "generation": 2, "note": ""}, first.urls)
    assert names(docker_engine, settings) == ["2-api", "2-web", "forwarder"]
    fourth = deploy(sandboxes, pair("c4"))
    assert (fourth.serving, get(fourth.url, "/api/version")) == (None, "api c4")
    assert names(docker_engine, settings) == ["4-api", "4-web", "forwarder"]


def test_a_service_on_localhost_inside_its_container_is_diagnosed(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, settings: Settings, pair: Pair
) -> None:
    hidden = pair("c1").source.joinpath("api", "server.py").read_text().replace('os.environ["HOST"]', '"127.0.0.1"')
    short = DeployedSandboxes(
        sandboxes.store,
        sandboxes.runtime,
        sandboxes.installer,
        settings.model_copy(update={"sandbox_start_timeout": 2.0}),
    )
    sandbox = deploy(short, pair("c1", server=hidden))

    assert sandbox.state is SandboxState.FAILED
    assert "it listens on localhost inside its container" in sandbox.note
    assert docker_engine.containers(owned(settings)) == []


@pytest.mark.slow
@pytest.mark.parametrize("failpoint", ["sandboxes.after_build_container", "sandboxes.after_container"])
def test_a_deployment_that_was_killed_is_carried_on_and_leaves_one_generation(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, settings: Settings, pair: Pair, failpoint: str
) -> None:
    deployment = pair("c2")
    arguments = [str(Path(__file__).parent), str(settings.home), str(deployment.source), settings.workbench_image]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        env={**os.environ, "ORKET_FAILPOINT": failpoint},
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    sandbox = deploy(sandboxes, deployment)

    assert (sandbox.state, sandbox.generation) == (SandboxState.RUNNING, 1)
    assert get(sandbox.url, "/api/version") == "api c2"
    assert names(docker_engine, settings) == ["1-api", "1-web", "forwarder"]
    assert len(docker_engine.networks(owned(settings))) == 2
