"""Installs on a host without an engine."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from orket_pipelines.dependencies import MemoryInstaller, ProcessInstaller
from orket_pipelines.errors import InstallFailed, InstallInterrupted, Stopped, WorkbenchError
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, read_events
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

NPM = """#!/bin/sh
echo "$@" >> {log}
env > {log}.environment
{act}
"""


class Host:
    """An installer whose npm is a script that says what it was asked."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.log = folder / "asked"
        self.checkout = folder / "checkout"
        self.checkout.mkdir()
        (self.checkout / "package.json").write_text('{"dependencies": {"react": "19"}, "scripts": {"install": "x"}}')
        (self.checkout / "package-lock.json").write_text('{"lockfileVersion": 3, "packages": {}}')
        self.home = folder / "orket"
        self.stop = threading.Event()
        self.open()
        monkeypatch.setenv("PATH", f"{self.programs}:/usr/bin:/bin")
        self.write("node", "#!/bin/sh\necho v20.0.0\n")
        self.npm("mkdir -p node_modules/react")

    def open(self) -> None:
        """As a process does for itself."""
        settings = Settings(home=self.home, install_timeout=20)
        self.store = Store.open(settings.store_url)
        self.leases = LeaseKeeper(self.store)
        self.installer = ProcessInstaller(self.store, settings, leases=self.leases)

    def close(self) -> None:
        self.leases.close()
        self.store.close()

    def write(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def npm(self, act: str) -> None:
        """What npm does from now on."""
        self.write("npm", NPM.format(log=self.log, act=act))

    def prepare(self) -> Path:
        found = self.installer.prepare(self.checkout, subject="card", stop=self.stop)
        assert found.key == self.installer.key_of(self.checkout)
        assert found.node_modules is not None
        assert found.path == (str(found.node_modules / ".bin"),)
        return found.node_modules

    def events(self) -> list[str]:
        with self.store.read() as tx:
            return [event.kind for event in read_events(tx)]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    made = Host(tmp_path, monkeypatch)
    yield made
    made.close()


def test_node_modules_lie_in_a_folder_of_their_key_and_are_installed_once(host: Host) -> None:
    found = host.prepare()
    assert found.is_relative_to(host.home / "dependencies")
    assert [each.name for each in found.iterdir()] == ["react"]
    assert host.prepare() == found
    assert host.log.read_text() == "ci --ignore-scripts --no-audit --no-fund\n"
    assert host.events() == ["dependencies.installed"]


def test_npm_gets_neither_scripts_nor_the_factorys_secrets(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_MODEL_API_KEY", "secret")
    found = host.prepare()
    assert "scripts" not in (found.parent / "package.json").read_text()
    assert "secret" not in Path(f"{host.log}.environment").read_text()


def test_what_npm_refuses_is_told_and_tried_again_the_next_time(host: Host) -> None:
    host.npm("echo no such package; exit 1")
    with pytest.raises(InstallFailed, match="no such package"):
        host.prepare()
    assert list((host.home / "dependencies").iterdir()) == []
    host.npm("mkdir node_modules")
    host.prepare()
    assert host.events() == ["dependencies.failed", "dependencies.installed"]


def test_a_registry_that_does_not_answer_is_not_the_authors_fault(host: Host) -> None:
    host.npm("echo npm error code ETIMEDOUT; exit 1")
    with pytest.raises(InstallInterrupted):
        host.prepare()
    assert host.events() == []


def test_a_stop_ends_npm_and_what_it_started(host: Host, tmp_path: Path) -> None:
    host.npm(f"(sleep 1; touch {tmp_path}/late) & sleep 60")
    threading.Timer(0.3, host.stop.set).start()
    with pytest.raises(Stopped):
        host.prepare()
    time.sleep(1.5)
    assert not (tmp_path / "late").exists()


def test_what_a_killed_process_left_is_removed(host: Host) -> None:
    left = host.prepare().parent
    half = left.rename(left.with_name(f"{left.name}.0000"))
    assert host.prepare().parent == left
    assert not half.exists()


@pytest.mark.parametrize("failpoint", ["dependencies.after_install", "dependencies.after_rename"])
def test_a_process_killed_before_it_recorded_an_install_is_followed_by_one_that_installs_anew(
    host: Host, failpoint: str
) -> None:
    def prepare() -> None:
        host.open()
        host.prepare()

    assert do_and_die(prepare, failpoint) == failpoint
    modules = host.prepare()
    assert (modules / "react").is_dir()
    assert host.events() == ["dependencies.installed"]
    assert [path.name for path in modules.parent.parent.iterdir()] == [modules.parent.name]


def test_without_node_a_project_that_needs_it_is_told_what_to_install(host: Host) -> None:
    (host.programs / "node").unlink()
    os.environ["PATH"] = str(host.programs)
    with pytest.raises(WorkbenchError, match=r"package\.json needs Node and npm") as error:
        host.prepare()
    assert error.value.next_step == "Install Node 20 or newer with npm, or start a container engine."


def test_python_is_as_the_factory_has_it(host: Host) -> None:
    shutil.rmtree(host.checkout)
    host.checkout.mkdir()
    (host.checkout / "requirements.txt").write_text("fastapi")
    found = host.installer.prepare(host.checkout, subject="card", stop=host.stop)
    assert (found.mounts, found.path, found.node_modules) == ((), (), None)
    assert found.key == host.installer.key_of(host.checkout)


def test_the_fake_takes_everything_for_installed_once_a_manifest_can_be_read(tmp_path: Path) -> None:
    installer, stop = MemoryInstaller(), threading.Event()
    first = installer.prepare(tmp_path, subject="one", stop=stop)
    (tmp_path / "requirements.txt").write_text("idna")
    assert installer.key_of(tmp_path) != first.key
    installer.failure = InstallFailed("no such package")
    with pytest.raises(InstallFailed):
        installer.prepare(tmp_path, subject="two", stop=stop)
    installer.failure = None
    installer.prepare(tmp_path, subject="two", stop=stop)
    installer.prepare(tmp_path, subject="three", stop=stop)
    assert [subject for subject, _ in installer.prepared] == ["one", "two"]
    (tmp_path / "requirements.txt").write_text("-e .")
    with pytest.raises(InstallFailed):
        installer.prepare(tmp_path, subject="four", stop=stop)
