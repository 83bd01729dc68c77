"""Installs in containers, played by the engine's fake."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers.memory_engine import MemoryEngine
from orket_pipelines.containers.model import ContainerPurpose, ContainerSpec, FolderMount, Labels, VolumeMount
from orket_pipelines.dependencies import ContainerInstaller, plays_installs
from orket_pipelines.dependencies.sources import Configured
from orket_pipelines.errors import (
    ContainerError,
    EngineUnavailable,
    InstallFailed,
    InstallInterrupted,
    OrketError,
    Stopped,
)
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, read_events
from orket_pipelines.store.failpoints import registered
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

CONFIGURED = Configured(
    pip_index="https://mirror.example:8443/simple", npm_default=("https://npm.example/",), pip_default=("x.example",)
)
FILES = {"requirements.txt": "fastapi\n", "page/package.json": '{"dependencies": {"react": "19"}}'}
ELSEWHERE = {"dependencies.after_failure", "dependencies.after_rename", "dependencies.forgotten"}
"""What no installation that succeeds in a container comes to."""
FAILPOINTS = [name for name in registered() if name.startswith("dependencies.") and name not in ELSEWHERE]
Program = Callable[[ContainerSpec, Sequence[str]], tuple[int | None, str]]


def plays(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
    return plays_installs(spec, command) or (0, "")


class Place:
    """An installer over fakes, with all that it works on."""

    def __init__(self, home: Path, program: Program = plays, *, clock: FakeClock | None = None) -> None:
        self.checkout = home / "checkout"
        self.home = home / "orket"
        for path, text in FILES.items():
            (self.checkout / path).parent.mkdir(parents=True, exist_ok=True)
            if not (self.checkout / path).exists():
                (self.checkout / path).write_text(text)
        self.engine = MemoryEngine(self.home, program, path=home / "engine.jsonl")
        self.settings = Settings(home=self.home, workbench_image="workbench:1")
        self.store = Store.open(self.settings.store_url, clock=clock)
        self.stop = threading.Event()
        self.keepers: list[LeaseKeeper] = []
        self.installer = self.another()

    def another(self) -> ContainerInstaller:
        """Another worker's installer."""
        self.keepers.append(LeaseKeeper(self.store))
        labels = Labels("owner", "default", "worker", ContainerPurpose.INSTALL, process="process")
        return ContainerInstaller(
            self.engine,
            self.store,
            self.settings,
            leases=self.keepers[-1],
            labels=labels,
            user=(10001, 10001),
            ask=lambda: CONFIGURED,
        )

    def prepare(self) -> tuple[str, ...]:
        """The volumes of what the checkout needs."""
        found = self.installer.prepare(self.checkout, subject="card", stop=self.stop)
        assert found.key == self.installer.key_of(self.checkout)
        return tuple(mount.volume for mount in found.mounts)

    def specs(self, purpose: ContainerPurpose) -> list[ContainerSpec]:
        """The containers of a purpose that were made, in order."""
        made = [entry["spec"] for entry in self.engine.journal if entry["call"] == "create"]
        specs = [_spec(each) for each in made]
        return [spec for spec in specs if spec.labels.purpose is purpose]

    def events(self) -> list[str]:
        """The kinds of what happened, in order."""
        with self.store.read() as tx:
            return [event.kind for event in read_events(tx)]

    def close(self) -> None:
        for keeper in self.keepers:
            keeper.close()
        self.store.close()

    def left(self) -> tuple[int, int, list[str]]:
        """How many containers and networks there are, and which volumes."""
        volumes = sorted(volume.name for volume in self.engine.volumes({}))
        return len(self.engine.containers({})), len(self.engine.networks({})), volumes


def _spec(written: object) -> ContainerSpec:
    from pydantic import TypeAdapter

    return TypeAdapter(ContainerSpec).validate_python(written)


Begin = Callable[..., Place]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Opens places, as processes do for themselves."""
    opened: list[Place] = []

    def begin(home: Path, *given: Any, **values: Any) -> Place:
        opened.append(Place(home, *given, **values))
        return opened[-1]

    yield begin
    for place in opened:
        place.close()


@pytest.fixture
def place(begin: Begin, tmp_path: Path) -> Place:
    return begin(tmp_path)


def _place(begin: Begin, home: Path, exit_code: int, log: str, proxy: str = "listening\n") -> Place:
    """Where installs end that way."""

    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        return (None, proxy) if spec.labels.purpose is ContainerPurpose.PROXY else (exit_code, log)

    return begin(home, program)


def test_containers_see_what_was_installed_and_nothing_else_of_it_is_left(place: Place) -> None:
    found = place.installer.prepare(place.checkout, subject="card", stop=place.stop)
    python, node = found.mounts
    assert (python.target, node.target) == ("/dependencies/python", "/project/node_modules")
    assert (python.read_only, node.read_only) == (True, True)
    assert found.path == ("/dependencies/python/bin", "/project/node_modules/.bin")
    assert found.variables == (("VIRTUAL_ENV", "/dependencies/python"),)
    assert place.left() == (0, 0, sorted([python.volume, node.volume]))
    assert list((place.home / "dependencies/staging/default").iterdir()) == []
    assert place.events() == ["dependencies.installed", "dependencies.installed"]


def test_an_install_container_has_no_way_out_but_the_proxy(place: Place) -> None:
    place.prepare()
    install, _ = place.specs(ContainerPurpose.INSTALL)
    proxy, _ = place.specs(ContainerPurpose.PROXY)
    networks = {entry["made"]["name"]: entry["made"]["labels"] for entry in place.engine.journal if "made" in entry}
    assert install.network is not None
    assert proxy.network is not None
    assert "orket.egress" not in networks[install.network]
    assert "orket.egress" in networks[proxy.network]
    assert install.environment["HTTPS_PROXY"] == "http://proxy:3128"
    assert install.environment["PIP_INDEX_URL"] == "https://mirror.example:8443/simple"
    assert proxy.command[3:] == ("3128", "mirror.example:8443!", "npm.example:443")
    assert {install.user, proxy.user} == {(10001, 10001)}


def test_an_install_container_sees_its_manifests_and_writes_to_its_volume_alone(place: Place) -> None:
    place.prepare()
    _, node = place.specs(ContainerPurpose.INSTALL)
    folder, volume = node.mounts
    assert isinstance(folder, FolderMount)
    assert (folder.target, folder.read_only) == ("/project", True)
    assert isinstance(volume, VolumeMount)
    assert (volume.target, volume.read_only) == ("/project/node_modules", False)


def test_what_is_installed_is_not_installed_again(place: Place) -> None:
    assert place.prepare() == place.prepare()
    assert len(place.specs(ContainerPurpose.INSTALL)) == 2


def test_two_workers_install_a_set_once(tmp_path: Path, begin: Begin) -> None:
    def slow(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        time.sleep(0.05 if spec.labels.purpose is ContainerPurpose.INSTALL else 0)
        return plays(spec, command)

    place = begin(tmp_path, slow)
    installers = [place.another() for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda each: each.prepare(place.checkout, subject="card", stop=place.stop), installers)
    assert len(set(found)) == 1
    assert len(place.specs(ContainerPurpose.INSTALL)) == 2


def test_a_volume_that_was_removed_is_filled_anew(place: Place) -> None:
    python, node = place.prepare()
    place.engine.remove_volume(python)
    again = place.prepare()
    assert again[0] != python
    assert again[1] == node


def test_what_cannot_be_installed_is_told_with_the_end_of_the_log(tmp_path: Path, begin: Begin) -> None:
    place = _place(begin, tmp_path, 1, "start\nno such package: nonsense\n")
    with pytest.raises(InstallFailed, match="no such package: nonsense"):
        place.prepare()
    assert place.left() == (0, 0, [])
    assert place.events() == ["dependencies.failed"]


@pytest.mark.parametrize(
    ("ended", "kind", "told"),
    [
        ((1, "", "listening\nrefused 'CONNECT x.example:443 HTTP/1.1': no"), InstallFailed, "x.example:443 .no."),
        ((1, "", "listening\nunreachable 'CONNECT x.example:443 HTTP/1.1': no"), InstallInterrupted, "not be reached"),
        ((1, "npm error code E503", "listening\n"), InstallInterrupted, "cut short"),
        ((137, "", "listening\n"), InstallInterrupted, "exit code 137"),
    ],
)
def test_trouble_on_the_way_is_told_from_the_projects_own(
    tmp_path: Path, ended: tuple[int, str, str], kind: type[OrketError], told: str, begin: Begin
) -> None:
    with pytest.raises(kind, match=told) as error:
        _place(begin, tmp_path, *ended).prepare()
    assert error.value.next_step


def test_a_proxy_that_does_not_run_is_not_the_authors_fault(tmp_path: Path, begin: Begin) -> None:
    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        return (1, "no python3") if spec.labels.purpose is ContainerPurpose.PROXY else (0, "")

    place = begin(tmp_path, program)
    with pytest.raises(InstallInterrupted, match="no python3"):
        place.prepare()
    assert place.left() == (0, 0, [])


def test_an_install_that_takes_too_long_is_ended(tmp_path: Path, begin: Begin) -> None:
    clock = FakeClock()

    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        if spec.labels.purpose is ContainerPurpose.INSTALL:
            clock.advance(901)
            return None, "still at it\n"
        return plays(spec, command)

    place = begin(tmp_path, program, clock=clock)
    with pytest.raises(InstallFailed, match=r"within 900 seconds\nstill at it"):
        place.prepare()
    assert place.left() == (0, 0, [])


def test_a_stop_ends_an_install(tmp_path: Path, begin: Begin) -> None:
    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        if spec.labels.purpose is ContainerPurpose.INSTALL:
            here.stop.set()
            return None, ""
        return plays(spec, command)

    here = begin(tmp_path, program)
    with pytest.raises(Stopped):
        here.prepare()
    assert here.left() == (0, 0, [])


def test_an_engine_that_is_gone_is_waited_for(place: Place) -> None:
    place.prepare()
    place.engine.unavailable = True
    with pytest.raises(EngineUnavailable):
        place.prepare()


def test_without_the_image_the_next_step_is_to_build_it(place: Place) -> None:
    place.engine.missing_images.add("workbench:1")
    with pytest.raises(ContainerError, match="no image workbench:1") as error:
        place.prepare()
    assert error.value.next_step == "Build it: orket images build"


def test_manifests_that_cannot_be_read_have_a_key_that_no_environment_has(place: Place) -> None:
    place.prepare()
    good = place.installer.key_of(place.checkout)
    (place.checkout / "requirements.txt").write_text("-e .")
    assert place.installer.key_of(place.checkout) != good
    with pytest.raises(InstallFailed, match=r"requirements\.txt"):
        place.prepare()


def test_to_ask_for_the_key_of_an_unchanged_checkout_costs_less_than_a_millisecond(place: Place) -> None:
    for number in range(60):
        (place.checkout / f"folder{number}").mkdir()
    time.sleep(0.1)
    key = place.installer.key_of(place.checkout)
    # What the machine does besides does not count.
    started = time.thread_time()
    for _ in range(100):
        assert place.installer.key_of(place.checkout) == key
    assert time.thread_time() - started < 0.1


def test_packages_of_the_factory_itself_are_a_set_of_their_own(place: Place) -> None:
    def ask() -> str:
        found = place.installer.prepare_packages(["playwright==1.*"], image="e2e:1", subject="suite", stop=place.stop)
        return found.mounts[0].volume

    assert ask() == ask()
    assert [spec.image for spec in place.specs(ContainerPurpose.INSTALL)] == ["e2e:1"]


def test_where_this_machine_has_neither_pip_nor_npm_the_image_is_asked(tmp_path: Path, begin: Begin) -> None:
    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        if spec.labels.subject == "defaults":
            return 0, "made\nhttps://pip.example/simple files.example\nhttps://npm.example/\n"
        return plays(spec, command)

    place = begin(tmp_path, program)
    place.installer._ask = Configured
    place.prepare()
    asked = place.specs(ContainerPurpose.INSTALL)[0]
    assert (asked.labels.subject, asked.network) == ("defaults", None)
    proxy = place.specs(ContainerPurpose.PROXY)[0]
    assert proxy.command[4:] == ("files.example:443", "npm.example:443", "pip.example:443")


def test_the_reaper_keeps_what_is_recorded_and_what_is_being_filled(tmp_path: Path, begin: Begin) -> None:
    seen: list[str] = []

    def program(spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        if spec.labels.purpose is ContainerPurpose.INSTALL:
            seen.extend(here.installer.reap())
        return plays(spec, command)

    here = begin(tmp_path, program)
    volumes = here.prepare()
    assert seen == []
    assert here.installer.reap() == []
    assert here.installer.volumes.forget_unused(before=sys.maxsize) == list(volumes)
    assert here.left() == (0, 0, [])


def test_the_reaper_leaves_what_another_workspace_installs(place: Place) -> None:
    staging = place.home / "dependencies/staging"
    for left in ("default/key", "other/key"):
        (staging / left).mkdir(parents=True)
    place.installer.reap()
    assert [path.relative_to(staging).as_posix() for path in staging.glob("*/*")] == ["other/key"]


def test_use_is_recorded_about_once_an_hour(tmp_path: Path, begin: Begin) -> None:
    clock = FakeClock()
    place = begin(tmp_path, clock=clock)
    place.prepare()
    before = place.store.commits
    clock.advance(3_500)
    place.prepare()
    assert place.store.commits == before
    clock.advance(200)
    place.prepare()
    assert place.store.commits == before + 2


@pytest.mark.parametrize("failpoint", [*FAILPOINTS, "containers.created"])
def test_killed_anywhere_the_next_process_installs_and_a_reap_leaves_nothing_else(
    tmp_path: Path, failpoint: str, begin: Begin
) -> None:
    assert do_and_die(lambda: begin(tmp_path).prepare(), failpoint) == failpoint
    place = begin(tmp_path)
    volumes = place.prepare()
    assert len(set(volumes)) == 2
    for container in place.engine.containers({}):
        place.engine.remove(container.id)
    for network in place.engine.networks({}):
        place.engine.remove_network(network.name)
    place.installer.reap()
    assert place.left() == (0, 0, sorted(volumes))
    assert list((place.home / "dependencies/staging/default").iterdir()) == []
    assert place.events() == ["dependencies.installed", "dependencies.installed"]


def test_what_was_forgotten_when_a_kill_came_is_removed_by_the_next_reap(tmp_path: Path, begin: Begin) -> None:
    def forget() -> None:
        place = begin(tmp_path)
        place.installer.volumes.forget_unused(before=place.store.clock.now() + 1)

    begin(tmp_path).prepare()
    assert do_and_die(forget, "dependencies.forgotten") == "dependencies.forgotten"
    place = begin(tmp_path)
    assert len(place.left()[2]) == 2
    place.installer.reap()
    assert place.left() == (0, 0, [])
