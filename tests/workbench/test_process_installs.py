"""What lock files ask for is within reach of commands that are processes."""

import threading
from pathlib import Path

import pytest

from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import InstallFailed
from orket_pipelines.workbench import ProcessWorkbenches


class Shelf:
    """An installer whose modules lie ready; the key is what the checkout's lock file says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prepared: list[str] = []

    def key_of(self, checkout: Path) -> str:
        lock = checkout / "package-lock.json"
        return lock.read_text() if lock.exists() else "none"

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        key = self.key_of(checkout)
        if key == "broken":
            raise InstallFailed("no such package: leftpat", next_step="Correct package.json.")
        self.prepared.append(f"{subject} {key}")
        modules = self.folder / key / "node_modules"
        (modules / ".bin").mkdir(parents=True, exist_ok=True)
        return Environment(key, path=(str(modules / ".bin"),), node_modules=modules)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "card" / "work"
    folder.mkdir(parents=True)
    return folder


def test_modules_lie_above_the_checkout_and_follow_its_lock_file(checkout: Path, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    workbench = ProcessWorkbenches(installer=shelf).open(checkout, name="card")
    look = ["readlink", "../node_modules"]
    for key in ("first", "second", "first"):
        (checkout / "package-lock.json").write_text(key)
        assert workbench.run(look, deadline=10).output.strip() == str(tmp_path / "shelf" / key / "node_modules")
    assert list(checkout.iterdir()) == [checkout / "package-lock.json"]
    workbench.run(look, deadline=10)
    assert shelf.prepared == ["card first", "card second", "card first"], "an unchanged lock file costs nothing"
    workbench.close()


def test_programs_of_the_modules_are_found_first(checkout: Path, tmp_path: Path) -> None:
    workbench = ProcessWorkbenches(installer=Shelf(tmp_path)).open(checkout, name="card")
    path = workbench.run(["sh", "-c", "echo $PATH"], deadline=10).output
    assert path.startswith(f"{tmp_path}/none/node_modules/.bin:")
    workbench.close()


def test_what_cannot_be_installed_is_told_as_the_command_s_failure(checkout: Path, tmp_path: Path) -> None:
    (checkout / "package-lock.json").write_text("broken")
    workbench = ProcessWorkbenches(installer=Shelf(tmp_path)).open(checkout, name="card")
    execution = workbench.run(["true"], deadline=10)
    assert (execution.exit_code, execution.output) == (1, "no such package: leftpat\nCorrect package.json.\n")
    workbench.close()
