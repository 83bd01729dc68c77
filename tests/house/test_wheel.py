"""The wheel installs one package, carries the Dagster application inside it, and works where there is nothing else."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
CARRIED = (
    "definitions.py",
    "workspace.yaml",
    "assets/",
    "jobs/",
    "sensors/",
    "resources/",
    "examples/todo/cards/",
    "images/",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_installs_one_package(wheel: Path) -> None:
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"orket_pipelines"}


def test_the_wheel_carries_the_dagster_application_and_the_examples(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    missing = [part for part in CARRIED if not any(name.startswith(f"orket_pipelines/_app/{part}") for name in names)]
    assert missing == []


def test_the_wheel_holds_what_is_not_python_too(wheel: Path) -> None:
    """Prompts, SQL, roles and migrations are files that the code reads."""
    tracked = subprocess.run(
        ["git", "ls-files", "orket_pipelines"], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()
    assert set(tracked) <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_nothing_that_only_a_checkout_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if re.search(r"__pycache__|\.pyc$|(^|/)(tests/house|\.git/|\.orket)", name)] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_delivers_an_issue_of_the_example_in_a_bare_environment(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "environment" / "bin" / "python"
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(_pinned()))
    folder = tmp_path / "somewhere"
    folder.mkdir()
    environment = os.environ | {
        "HOME": str(tmp_path / "home"),
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "UV_CACHE_DIR": _cache(),
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=400
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Pip does the same in five times the time.
    uv = str(Path(sys.executable).with_name("uv"))
    run(uv, "venv", "-q", "--python", sys.executable, str(python.parent.parent))
    run(uv, "pip", "install", "-q", "--python", str(python), "-c", str(constraints), f"{wheel}[example]")
    assert run("orket", "--version").startswith("orket 0.")
    assert {finding["status"] for finding in json.loads(run("orket", "doctor", "--json"))} <= {"ok", "warn"}
    where = "from orket_pipelines.settings import application_folder; print(application_folder())"
    run("orket", "cards", "import", f"{run(str(python), '-c', where).strip()}/examples/todo/cards")
    delivered = json.loads(run("orket", "issues", "deliver", "todo-skeleton", "--json"))
    (address,) = delivered["applications"].values()
    try:
        assert [issue["result"] for issue in delivered["issues"]] == ["done"]
        assert httpx.get(f"{address}/api/health", timeout=30).json()["status"] == "ok"
    finally:
        run("orket", "sandboxes", "down", "--all")


def _pinned() -> list[str]:
    """Versions as locked; without extras and hashes, which pip does not take in constraints."""
    lock = (ROOT / "requirements.lock").read_text()
    found = re.findall(r"^([a-z0-9][^\s;\\[]*)(?:\[[^]]*\])?(==[^\s\\]+(?: ;[^\\\n]+)?)", lock, re.MULTILINE)
    return [name + version for name, version in found]


def _cache() -> str:
    """What was downloaded before need not be again; HOME, where uv would look, is empty."""
    show = [str(Path(sys.executable).with_name("uv")), "cache", "dir"]
    return subprocess.run(show, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
