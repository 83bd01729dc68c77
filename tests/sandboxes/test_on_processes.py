"""Sandboxes on bare processes: real ones, each test with ports of its own."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.containers.memory_engine import MemoryEngine
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.errors import DetectionError, SandboxError, Stopped
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.sandboxes.allocations import PORT, leased
from orket_pipelines.sandboxes.diagnosing import explain
from orket_pipelines.sandboxes.identity import identify, marked
from orket_pipelines.sandboxes.probing import listening_ports
from orket_pipelines.sandboxes.records import handles_of, sandbox_of_rock
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events
from orket_pipelines.store.effects import find

pytestmark = pytest.mark.slow

Pair = Callable[..., Deployment]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells who listens on Linux only")
FASTAPI = """
import sys
from fastapi import FastAPI
app = FastAPI()
@app.get("/health")
def health() -> dict[str, str]:
    return {"python": sys.version}
"""
FAILING = "import sys\nprint('no database', flush=True)\nsys.exit(3)\n"
LEAVES = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", sandbox_start_timeout=20, sandbox_build_timeout=20)


@pytest.fixture
def kept(settings: Settings) -> Iterator[Store]:
    opened = Store.open(settings.store_url)
    yield opened
    opened.close()


@pytest.fixture
def sandboxes(settings: Settings, kept: Store, installer: Installer) -> Iterator[DeployedSandboxes]:
    opened = open_sandboxes(settings, kept, installer, engine=None)
    yield opened
    with kept.read() as tx:
        found = sandbox_of_rock(tx, "todo")
    if found is not None:
        opened.down(found)
        assert marked(found.id) == []


def deploy(sandboxes: DeployedSandboxes, deployment: Deployment) -> Sandbox:
    return sandboxes.deploy(deployment, stop=threading.Event())


def get(url: str | None, path: str = "/") -> str:
    assert url is not None
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    connection.request("GET", path)
    body = connection.getresponse().read().decode()
    connection.close()
    return body


def changes(store: Store) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [event.payload for event in read_events(tx) if event.kind == "sandbox.changed"]


def test_a_page_and_the_service_behind_it_are_built_and_served_on_loopback(
    sandboxes: DeployedSandboxes, kept: Store, pair: Pair
) -> None:
    sandbox = deploy(sandboxes, pair("c1"))

    assert (sandbox.state, sandbox.commit, sandbox.generation, sandbox.note) == (SandboxState.RUNNING, "c1", 1, "")
    assert set(sandbox.urls) == {"api", "web"}
    assert get(sandbox.url) == "page c1"
    assert get(sandbox.url, "/api/version") == "api c1"
    assert sandboxes.is_healthy(sandbox)
    assert sandboxes.network_of(sandbox) is None
    assert sandboxes.logs(sandbox)["api"].startswith("serving c1")
    assert sandboxes.logs(sandbox, stamped=True)["api"].splitlines()[0].endswith(".0 serving c1")
    told = changes(kept)
    assert [change["state"] for change in told] == ["creating", "running"]
    assert told[1]["seconds"] > 0
    assert told[1]["urls"] == sandbox.urls


@linux_only
def test_a_fastapi_that_was_found_runs_on_our_own_python_and_on_loopback_alone(
    sandboxes: DeployedSandboxes, tmp_path: Path
) -> None:
    root = tmp_path / "found"
    root.mkdir()
    (root / "requirements.txt").write_text("fastapi\nuvicorn\n")
    (root / "main.py").write_text(FASTAPI)
    sandbox = deploy(sandboxes, Deployment("todo", "todo", "c1", root))

    assert (sandbox.state, sandbox.note) == (SandboxState.RUNNING, "")
    assert json.loads(get(sandbox.url, "/health")) == {"python": sys.version}
    port = int((sandbox.url or "").rpartition(":")[2])
    assert listening_ports(Path("/proc/net/tcp").read_text())[port] is False


def test_another_commit_takes_over_the_ports_and_the_same_one_changes_nothing(
    sandboxes: DeployedSandboxes, kept: Store, pair: Pair
) -> None:
    first = deploy(sandboxes, pair("c1"))
    second = deploy(sandboxes, pair("c2"))

    assert second.urls == first.urls
    assert get(second.url) == "page c2"
    assert get(second.url, "/api/version") == "api c2"
    told = len(changes(kept))
    assert deploy(sandboxes, pair("c2")) == second
    assert len(changes(kept)) == told
    assert [folder.name for folder in sandboxes.folder_of(second.id).iterdir()] == ["2"]


def test_a_service_that_ends_is_a_failed_deployment_with_the_end_of_its_log(
    sandboxes: DeployedSandboxes, pair: Pair
) -> None:
    deploy(sandboxes, pair("c1"))
    sandbox = deploy(sandboxes, pair("c2", server=FAILING))

    assert (sandbox.state, sandbox.commit, sandbox.urls) == (SandboxState.FAILED, "c2", {})
    assert sandbox.note == "api ended with code 3\nno database"
    assert sandboxes.logs(sandbox)["api"] == "no database"
    assert marked(sandbox.id) == []
    assert not sandboxes.is_healthy(sandbox)


def test_a_service_that_floods_its_log_is_found_out_though_it_answers(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    loop = "while True: print('x' * 99, flush=True)"
    server = pair("c1").source.joinpath("api", "server.py").read_text()
    flood = f"import threading\nthreading.Thread(target=exec, args=({loop!r},), daemon=True).start()\n"
    sandbox = deploy(sandboxes, pair("c1", server=flood + server))
    assert sandbox.state is SandboxState.RUNNING
    (found,) = explain(sandbox.state, sandbox.note, sandboxes.look(sandbox))
    sandboxes.stop(sandbox)

    assert found.service == "api"
    assert found.what.startswith("it floods its log: about ")


def test_a_build_that_fails_leaves_its_log_and_nothing_running(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    sandbox = deploy(sandboxes, pair("c1", build="echo no such module; exit 1"))

    assert (sandbox.state, sandbox.note) == (
        SandboxState.FAILED,
        "the build of web ended with 1\nno such module",
    )
    assert marked(sandbox.id) == []


def test_a_build_without_its_output_is_a_failure(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    assert "its output dist is not there" in deploy(sandboxes, pair("c1", build="true")).note


def test_a_build_that_does_not_end_is_ended(settings: Settings, kept: Store, installer: Installer, pair: Pair) -> None:
    short = settings.model_copy(update={"sandbox_build_timeout": 0.5})
    sandbox = deploy(open_sandboxes(short, kept, installer, engine=None), pair("c1", build="sleep 600"))

    assert "did not end within 0.5 s" in sandbox.note
    assert marked(sandbox.id) == []


def test_a_stop_ends_a_build_and_the_deployment_carries_on_later(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(Stopped):
        sandboxes.deploy(pair("c1", build="sleep 600"), stop=stop)
    sandbox = deploy(sandboxes, pair("c1"))

    assert (sandbox.state, sandbox.generation) == (SandboxState.RUNNING, 1)


def test_where_nothing_serves_nothing_is_changed(sandboxes: DeployedSandboxes, kept: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DetectionError):
        deploy(sandboxes, Deployment("todo", "todo", "c1", tmp_path / "empty"))
    assert changes(kept) == []


def test_down_ends_everything_that_a_service_started_and_gives_its_ports_back(
    sandboxes: DeployedSandboxes, kept: Store, pair: Pair
) -> None:
    server = LEAVES + pair("c0").source.joinpath("api", "server.py").read_text()
    sandbox = deploy(sandboxes, pair("c1", server=server))
    # Two keepers, two services, and what one of them left in a session of its own.
    assert len(marked(sandbox.id)) == 5
    removed = sandboxes.down(sandbox)

    assert (removed.state, removed.urls) == (SandboxState.DELETED, {})
    assert marked(sandbox.id) == []
    assert not sandboxes.folder_of(sandbox.id).exists()
    with kept.read() as tx:
        assert leased(tx, PORT, sandbox.id) == {}
    assert sandboxes.down(removed) == removed


def test_a_stopped_sandbox_keeps_logs_and_ports_and_is_deployed_again(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    running = deploy(sandboxes, pair("c1"))
    stopped = sandboxes.stop(running)

    assert stopped.state is SandboxState.STOPPED
    assert marked(running.id) == []
    assert "serving c1" in sandboxes.logs(stopped)["api"]
    again = deploy(sandboxes, pair("c1"))
    assert (again.state, again.urls) == (SandboxState.RUNNING, running.urls)
    with pytest.raises(SandboxError, match="cannot be stopped"):
        sandboxes.stop(sandboxes.down(again))


def test_a_service_that_is_killed_makes_the_sandbox_unhealthy_and_all_of_them_a_failure(
    sandboxes: DeployedSandboxes, kept: Store, pair: Pair
) -> None:
    sandbox = deploy(sandboxes, pair("c1"))
    with kept.read() as tx:
        keepers = handles_of(tx, sandbox.id)["processes"]
    os.kill(keepers["api"]["pid"], signal.SIGKILL)
    wait_until(lambda: len(marked(sandbox.id)) == 2)
    unhealthy = sandboxes.watch(sandbox)
    assert (unhealthy.state, unhealthy.note) == (SandboxState.UNHEALTHY, "api is gone: its process was killed")

    os.kill(keepers["web"]["pid"], signal.SIGKILL)
    wait_until(lambda: marked(sandbox.id) == [])
    assert sandboxes.watch(unhealthy).state is SandboxState.FAILED


def test_services_whose_files_were_removed_end_by_themselves(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    sandbox = deploy(sandboxes, pair("c1"))
    shutil.rmtree(sandboxes.folder_of(sandbox.id))

    wait_until(lambda: marked(sandbox.id) == [])


def test_a_port_that_a_stranger_has_meanwhile_is_left_to_it(sandboxes: DeployedSandboxes, pair: Pair) -> None:
    stopped = sandboxes.stop(deploy(sandboxes, pair("c1")))
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", int(stopped.urls["api"].rpartition(":")[2])))
        stranger.listen()
        again = deploy(sandboxes, pair("c2"))

    assert again.state is SandboxState.RUNNING
    assert again.urls["api"] != stopped.urls["api"]
    assert again.urls["web"] == stopped.urls["web"]


def test_an_identity_is_of_one_process_and_no_later_one_with_its_pid() -> None:
    own = identify(os.getpid())
    assert own.lives
    with subprocess.Popen(["sleep", "60"]) as stranger:
        impostor = type(own)(stranger.pid, "1", own.boot)
        impostor.signal(signal.SIGKILL)
        type(own)(stranger.pid, identify(stranger.pid).started, "another boot").signal(signal.SIGKILL)
        time.sleep(0.05)
        assert stranger.poll() is None
        identify(stranger.pid).signal(signal.SIGKILL)


KILLED = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conftest import NothingToInstall
from orket_pipelines.sandboxes import Deployment, open_sandboxes
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
settings = Settings(home=Path(sys.argv[2]))
store = Store.open(settings.store_url)
sandboxes = open_sandboxes(settings, store, NothingToInstall(), engine=None)
sandboxes.deploy(Deployment("todo", "todo", "c2", Path(sys.argv[3])), stop=threading.Event())
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "failpoint",
    [
        "sandboxes.after_copy",
        "sandboxes.after_build",
        "sandboxes.after_clear",
        "sandboxes.after_process",
        "sandboxes.after_start",
        "sandboxes.deploy.after_effect",
        "sandboxes.deploy.after_outcome",
    ],
)
def test_a_deployment_that_was_killed_is_carried_on_and_leaves_one_generation(
    sandboxes: DeployedSandboxes, kept: Store, settings: Settings, pair: Pair, failpoint: str
) -> None:
    first, deployment = deploy(sandboxes, pair("c1")), pair("c2")
    arguments = [str(Path(__file__).parent), str(settings.home), str(deployment.source)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments],
        env={"PATH": os.environ["PATH"], "ORKET_FAILPOINT": failpoint},
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    sandbox = deploy(sandboxes, deployment)

    assert (sandbox.state, sandbox.generation, sandbox.urls) == (SandboxState.RUNNING, 2, first.urls)
    assert get(sandbox.url, "/api/version") == "api c2"
    assert len(marked(sandbox.id)) == 4
    assert [folder.name for folder in sandboxes.folder_of(sandbox.id).iterdir()] == ["2"]


@pytest.mark.slow
def test_a_build_whose_worker_was_killed_does_not_disturb_the_next(
    sandboxes: DeployedSandboxes, kept: Store, settings: Settings, pair: Pair
) -> None:
    endless = pair("c2", build="trap '' TERM; while :; do mkdir -p dist; echo old > dist/index.html; sleep 0.01; done")
    arguments = [str(Path(__file__).parent), str(settings.home), str(endless.source)]
    with subprocess.Popen([sys.executable, "-c", KILLED, *arguments]) as worker:
        wait_until(lambda: bool(list(settings.home.glob("sandboxes/default/*/1/source/web/dist/index.html"))), 30)
        worker.kill()
    sandbox = deploy(sandboxes, pair("c2"))

    assert (sandbox.state, sandbox.generation) == (SandboxState.RUNNING, 1)
    assert get(sandbox.url) == "page c2"
    assert marked(f"{sandbox.id}-build") == []


def test_what_runs_with_another_isolation_is_removed_by_who_can_and_refused_by_who_cannot(
    sandboxes: DeployedSandboxes, kept: Store, settings: Settings, installer: Installer, pair: Pair
) -> None:
    engine = MemoryEngine(settings.home)
    in_containers = replace(open_sandboxes(settings, kept, installer, engine=engine), ask=lambda _: 200)
    running = deploy(sandboxes, pair("c1"))
    static = json.dumps({"services": {"web": {"kind": "static", "folder": "web"}}})
    page = pair("c2")
    (page.source / "orket.yaml").write_text(static)
    moved = deploy(in_containers, page)

    assert (moved.state, moved.isolation) == (SandboxState.RUNNING, "container")
    assert marked(running.id) == []
    with pytest.raises(SandboxError) as raised:
        sandboxes.down(moved)
    assert raised.value.next_step == "Remove it first: ORKET_ISOLATION=container orket sandboxes down todo"
    in_containers.down(moved)


def test_what_a_killed_deployment_began_is_given_up_for_a_later_commit(
    sandboxes: DeployedSandboxes, kept: Store, settings: Settings, pair: Pair
) -> None:
    arguments = [str(Path(__file__).parent), str(settings.home), str(pair("c2").source)]
    environment = {"PATH": os.environ["PATH"], "ORKET_FAILPOINT": "sandboxes.after_start"}
    subprocess.run([sys.executable, "-c", KILLED, *arguments], env=environment, timeout=60, check=False)
    sandbox = deploy(sandboxes, pair("c3"))

    assert (sandbox.state, sandbox.generation) == (SandboxState.RUNNING, 2)
    assert len(marked(sandbox.id)) == 4
    with kept.read() as tx:
        given_up = find(tx, f"sandboxes.deploy:{sandbox.id}:1")
    assert given_up is not None
    assert given_up.outcome == "failed"


def wait_until(holds: Callable[[], bool], within: float = 10.0) -> None:
    give_up = time.monotonic() + within
    while not holds() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert holds()
