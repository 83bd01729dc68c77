"""The lock pins everything by hash, and says nothing of where it was made."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PINNED = dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[[^]]*\])?==([^\s;\\]+)", LOCK, re.MULTILINE))


def test_every_package_is_pinned_by_hash() -> None:
    entries = re.split(r"\n(?=[a-z0-9])", LOCK.strip())
    assert len(entries) == len(PINNED) > 50
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_the_lock_names_no_addresses() -> None:
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|file:", LOCK)


def test_the_lock_holds_every_dependency_of_the_project_in_a_version_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    wanted = [Requirement(line) for group in groups for line in group]
    wrong = [
        str(requirement)
        for requirement in wanted
        if not requirement.specifier.contains(PINNED.get(canonicalize_name(requirement.name), "0"))
    ]
    assert wrong == []


def test_the_build_uses_the_locked_backend() -> None:
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert [Requirement(line).name for line in required] == ["hatchling"]
    assert Requirement(required[0]).specifier.contains(PINNED["hatchling"])
