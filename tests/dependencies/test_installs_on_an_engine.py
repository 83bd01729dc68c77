"""Installs on a real engine, from the package sources that this machine is set to."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.containers import (
    ContainerPurpose,
    ContainerSpec,
    DockerEngine,
    Labels,
    Scratch,
    installation_id,
    open_engine,
    reap,
)
from orket_pipelines.dependencies import ContainerInstaller, Environment, is_install
from orket_pipelines.dependencies.installation import install
from orket_pipelines.dependencies.plan import DependencySet
from orket_pipelines.dependencies.sources import ask_this_machine, sources
from orket_pipelines.errors import InstallFailed
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, process_identity
from orket_pipelines.store.failpoints import arm

pytestmark = [pytest.mark.docker, pytest.mark.slow]

USER = (10001, 10001)
# Each line of the log is one attempt to get out, and what came of it.
PROBE = """
import socket, sys

def attempt(name, act):
    try:
        print(name, act(), flush=True)
    except OSError as error:
        print(name, "failed", flush=True)

def direct():
    socket.create_connection((address, int(port)), timeout=3).close()
    return "connected"

def by_proxy(target):
    with socket.create_connection(("proxy", 3128), timeout=10) as proxy:
        proxy.sendall(f"CONNECT {target} HTTP/1.1\\r\\n\\r\\n".encode())
        return proxy.recv(100).split()[1].decode()

host, port, address = sys.argv[1:]
attempt("resolve", lambda: socket.gethostbyname(host))
attempt("direct", direct)
attempt("metadata", lambda: by_proxy("169.254.169.254:80"))
attempt("unlisted", lambda: by_proxy("unlisted.example:443"))
attempt("listed", lambda: by_proxy(f"{host}:{port}"))
sys.exit(1)
"""


class Place:
    """An installer on the engine, and a checkout."""

    def __init__(self, home: Path, image: str) -> None:
        self.engine = open_engine(home)
        self.owner = installation_id(home)
        self.settings = Settings(home=home, workbench_image=image)
        self.store = Store.open(self.settings.store_url)
        self.labels = Labels(self.owner, "default", "test", ContainerPurpose.INSTALL, process=process_identity())
        self.leases = LeaseKeeper(self.store)
        self.installer = ContainerInstaller(
            self.engine, self.store, self.settings, leases=self.leases, labels=self.labels, user=USER
        )
        self.checkout = home / "checkouts" / "one"
        self.checkout.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> Environment:
        return self.installer.prepare(self.checkout, subject="card", stop=threading.Event())

    def say(self, found: Environment, command: str) -> str:
        """What a command says where agents work: dependencies read-only, no network."""
        spec = ContainerSpec(
            name=f"{self.owner}-said",
            image=self.settings.workbench_image,
            command=("sh", "-c", command),
            labels=replace(self.labels, purpose=ContainerPurpose.TESTS),
            user=USER,
            environment={"PATH": ":".join((*found.path, "/usr/local/bin:/usr/bin:/bin"))},
            mounts=found.mounts,
            scratch=(Scratch("/tmp"), *(Scratch(target, owner=USER) for target in found.scratch)),
        )
        try:
            container = self.engine.start(spec)
            self.engine.wait(container.id, should_stop=lambda: False)
            return self.engine.logs(container.id)
        finally:
            self.engine.remove(spec.name)

    def left(self) -> tuple[int, int, set[str]]:
        """How many containers and networks there are, and which volumes."""
        ours = {"orket.owner": self.owner}
        volumes = {volume.name for volume in self.engine.volumes(ours)}
        return len(self.engine.containers(ours)), len(self.engine.networks(ours)), volumes


@pytest.fixture
def place(docker_home: Path, workbench_image: str) -> Iterator[Place]:
    made = Place(docker_home, workbench_image)
    yield made
    made.leases.close()
    made.store.close()


def test_what_manifests_ask_for_is_there_and_no_package_ran_its_own_code(place: Place) -> None:
    (place.checkout / "requirements.txt").write_text("anyio\n")
    # Its script would replace the program in bin/ by a binary, and fails where the package with that is not locked.
    package = {"dependencies": {"esbuild": "0.25.0"}}
    lock = {"lockfileVersion": 3, "packages": {"": package, "node_modules/esbuild": {"version": "0.25.0"}}}
    (place.checkout / "package.json").write_text(json.dumps(package))
    (place.checkout / "package-lock.json").write_text(json.dumps(lock))
    found = place.prepare()
    assert place.left() == (0, 0, {mount.volume for mount in found.mounts})
    said = place.say(
        found,
        "command -v python; python -c 'import anyio; print(anyio.__name__)'\n"
        "mkdir -p /tmp/x && cd /project && node -p 'require.resolve(\"esbuild/package.json\")'\n"
        "head -c 19 /project/node_modules/esbuild/bin/esbuild; echo\n"
        "ls -a /project/node_modules /dependencies/python | grep installing\n"
        "touch /project/node_modules/x /dependencies/python/x 2>/dev/null || echo read-only\n"
        "touch /project/node_modules/.vite-temp/x && echo bundlers may write\n",
    )
    assert said.splitlines() == [
        "/dependencies/python/bin/python",
        "anyio",
        "/project/node_modules/esbuild/package.json",
        "#!/usr/bin/env node",
        "read-only",
        "bundlers may write",
    ]


def test_nothing_gets_out_but_to_package_sources(place: Place, docker_engine: DockerEngine) -> None:
    found = sources((), ask_this_machine())
    host = found.hosts[0]
    address = str(socket.getaddrinfo(host.name, host.port, socket.AF_INET)[0][4][0])
    command = ("python3", "-c", PROBE, host.name, str(host.port), address)
    probe = DependencySet("python", "probe", {}, (command,), "/manifests", "/dependencies/python", ())
    volume = _volume(place)
    site = place.installer._site(place.settings.workbench_image)
    with pytest.raises(InstallFailed) as error:
        install(site, probe, volume, found.hosts, subject="card", stop=threading.Event())
    assert str(error.value).splitlines()[-5:] == [
        "resolve failed",
        "direct failed",
        "metadata 403",
        "unlisted 403",
        "listed 200",
    ]
    assert "unlisted.example:443" in str(error.value).splitlines()[0]


def _volume(place: Place) -> str:
    from orket_pipelines.containers import VolumeSpec

    return place.engine.create_volume(VolumeSpec(f"{place.owner}-probe", replace(place.labels, process=None))).name


def test_killed_in_the_midst_the_next_process_installs_and_a_reap_leaves_nothing_else(
    place: Place, docker_home: Path
) -> None:
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            arm("dependencies.after_start")
            Place(docker_home, place.settings.workbench_image).prepare()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    containers, networks, volumes = place.left()
    assert (containers, networks, len(volumes)) == (2, 2, 1)
    found = place.prepare()
    reap(place.engine, owner=place.owner, workspace="default", now=place.store.clock.now(), is_live=is_install)
    place.installer.reap()
    assert place.left() == (0, 0, {mount.volume for mount in found.mounts})
    assert place.say(found, "python --version").startswith("Python 3.")
