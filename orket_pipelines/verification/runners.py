"""Which runners a project's own tests take, found from its files where its rock names no command.

What a checkout says is hostile data: it is read within bounds, and nothing of it becomes part of a command but the
names of its folders.
"""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orket_pipelines.errors import OrketError
from orket_pipelines.verification.junit import read_junit
from orket_pipelines.verification.model import Case
from orket_pipelines.verification.runner_reports import read_cargo, read_go, read_jest
from orket_pipelines.workbench.files import Files

DEFAULT_COMMAND = ("python", "-m", "pytest", "-q")
REPORT = ".orket-tests"
"""Where a runner leaves its report, in the folder that it runs in; checkouts are thrown away."""
DEPTH = 4
"""Folders below the checkout in which tests are looked for; projects lie at its root or in a folder there."""
MANIFEST_LIMIT = 200_000
_folder = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,60}")
_python_test = re.compile(r"(test_[^/]*|[^/]*_test)\.py")
_PYTHON = frozenset({"pyproject.toml", "setup.cfg", "setup.py", "requirements.txt", "pytest.ini", "tox.ini"})

Reader = Callable[[str], list[Case]]
"""Cases of a report, or of the output where the runner writes none. Raises: UnreadableReport."""


def _read_junit(text: str) -> list[Case]:
    return read_junit(text.encode())


@dataclass(frozen=True, slots=True)
class Runner:
    """How the tests in `folder` are run. `asking` are the words that make it tell its cases: in the file `REPORT` where
    `reports`, in its output otherwise; `read` None: it tells numbers alone."""

    name: str
    folder: str
    command: tuple[str, ...]
    asking: tuple[str, ...] = ()
    reports: bool = False
    read: Reader | None = None

    def words(self, *, plain: bool = False) -> tuple[str, ...]:
        """The command, as the checkout's root sees it; `plain` without a report, for people and models."""
        words = self.command if plain else (*self.command, *self.asking)
        return words if self.folder == "." else ("sh", "-c", 'cd "$0" && exec "$@"', self.folder, *words)

    @property
    def report(self) -> str:
        """Where the report lies in the checkout."""
        return f"{self.folder}/{REPORT}"


PYTEST = Runner("pytest", ".", DEFAULT_COMMAND, (f"--junitxml={REPORT}",), reports=True, read=_read_junit)
_JUNIT_OF_NODE = ("--test-reporter=spec", "--test-reporter-destination=stdout", "--test-reporter=junit")
_NODE = (*_JUNIT_OF_NODE, f"--test-reporter-destination={REPORT}")
_VITEST = ("--reporter=default", "--reporter=junit", f"--outputFile.junit={REPORT}")


def runners_of(checkout: Path) -> tuple[Runner, ...]:
    """The runners of a checkout, one a folder and stack; pytest at its root where nothing is found."""
    files = Files(checkout)
    try:
        found = [entry.path for entry in files.walk(depth=DEPTH).entries if entry.kind == "file"]
    except OrketError:
        found = []
    folders = sorted({"."} | {path.partition("/")[0] for path in found if "/" in path})
    usable = [name for name in folders if name == "." or _folder.fullmatch(name)]
    runners = [runner for name in usable for runner in _of_folder(files, name, found)]
    return tuple(runners) or (PYTEST,)


def plain_command(runners: Sequence[Runner]) -> tuple[str, ...]:
    """All of them as one command that fails where one does, for an agent to run."""
    if len(runners) == 1:
        return runners[0].words(plain=True)
    lines = [shlex.join(runner.words(plain=True)) for runner in runners]
    return ("sh", "-c", " && ".join(f"( {line} )" for line in lines))


def _of_folder(files: Files, folder: str, found: Sequence[str]) -> list[Runner]:
    prefix = "" if folder == "." else f"{folder}/"
    inside = [path.removeprefix(prefix) for path in found if path.startswith(prefix)]
    here = {path for path in inside if "/" not in path}
    runners = []
    if _has_python_tests(here, inside, is_root=folder == "."):
        runners.append(replace(PYTEST, folder=folder))
    if "package.json" in here and (runner := _node_runner(files, f"{prefix}package.json", folder)) is not None:
        runners.append(runner)
    if "go.mod" in here:
        runners.append(Runner("go", folder, ("go", "test", "./..."), ("-json",), read=read_go))
    if "Cargo.toml" in here:
        runners.append(Runner("cargo", folder, ("cargo", "test"), read=read_cargo))
    return runners


def _has_python_tests(here: set[str], inside: Sequence[str], *, is_root: bool) -> bool:
    """A folder with a project of its own, or the root, in which pytest finds a file of tests."""
    tests = [path for path in inside if _python_test.fullmatch(path.rpartition("/")[2])]
    own = [path for path in tests if path.partition("/")[0] in {"tests", "test", "src"} or "/" not in path]
    return bool(own if is_root else tests) and (is_root or bool(_PYTHON & here))


def _node_runner(files: Files, manifest: str, folder: str) -> Runner | None:
    said = _manifest(files, manifest)
    scripts, script = said.get("scripts"), ""
    if isinstance(scripts, dict) and isinstance(scripts.get("test"), str):
        script = scripts["test"]
    needed = {name for key in ("dependencies", "devDependencies") for name in (said.get(key) or ()) if name}
    npx = ("npx", "--no-install")
    if "vitest" in needed:
        return Runner("vitest", folder, (*npx, "vitest", "run"), _VITEST, reports=True, read=_read_junit)
    if "jest" in needed:
        asking = ("--json", f"--outputFile={REPORT}")
        return Runner("jest", folder, (*npx, "jest", "--ci"), asking, reports=True, read=read_jest)
    if script.startswith("node --test"):
        return Runner("node", folder, ("node", "--test"), _NODE, reports=True, read=_read_junit)
    return Runner("npm", folder, ("npm", "test", "--silent")) if script and "no test specified" not in script else None


def _manifest(files: Files, path: str) -> dict[str, Any]:
    try:
        said = json.loads(files.read(path, limit=MANIFEST_LIMIT))
    except (OrketError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
