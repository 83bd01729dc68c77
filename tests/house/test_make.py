"""The door for contributors: `make`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert set(re.findall(r"^  make ([a-z-]+) ", listed, re.MULTILINE)) == set(phony[1].split())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make environment` reads, and no environment."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    return tmp_path


def test_without_a_python_that_is_new_enough_one_line_says_what_to_do(checkout: Path) -> None:
    old = checkout / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    said = _make(checkout, PATH=_programs(checkout, "sh"), PYTHON=str(old))
    assert said[0] == "Python 3.11 or newer is missing: install it, or name one: make PYTHON=/path/to/python3"


def test_without_git_one_line_says_what_to_do(checkout: Path) -> None:
    said = _make(checkout, PATH=_programs(checkout, "sh"), PYTHON=getattr(sys, "_base_executable", sys.executable))
    assert said[0].startswith("git is missing: install it")
    assert not (checkout / ".venv").exists()


def _make(checkout: Path, **environment: str) -> list[str]:
    make = shutil.which("make") or "make"
    done = subprocess.run(
        [make, "environment"], cwd=checkout, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    return done.stderr.splitlines()


def _programs(folder: Path, *names: str) -> str:
    """A PATH on which there is nothing but these."""
    programs = folder / "programs"
    programs.mkdir()
    for name in names:
        (programs / name).symlink_to(shutil.which(name) or name)
    return str(programs)
