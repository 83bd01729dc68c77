"""The floor of real git and real processes: what somebody types who delivers issues by hand.

A clone for the author, who commits and pushes a branch; one for its tests, one for the reviewer, who looks at the
difference, and one in which it is merged, tested and pushed.
"""

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from orket_pipelines.bench.floor import Cost

WHO = "Bench <bench@example.invalid>"
_NAME, _, _ADDRESS = WHO.rstrip(">").partition(" <")
_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": _NAME,
    "GIT_AUTHOR_EMAIL": _ADDRESS,
    "GIT_COMMITTER_NAME": _NAME,
    "GIT_COMMITTER_EMAIL": _ADDRESS,
}


def deliver(folder: Path, issues: int, *, tests: Sequence[str] = ()) -> Cost:
    """So many issues, one after the other, in `folder`; `tests` are run where tests are, if there are any."""
    origin, seed = folder / "origin.git", folder / "seed"
    _git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    _git(folder, "clone", "--quiet", str(origin), str(seed))
    _commit(seed, "README.md")
    _git(seed, "push", "--quiet", "origin", "HEAD:main")
    before, wall = os.times(), time.monotonic()
    for number in range(issues):
        _deliver(folder / str(number), origin, tests)
    wall, after = time.monotonic() - wall, os.times()
    return Cost(sum(after[:4]) - sum(before[:4]), wall)


def _deliver(folder: Path, origin: Path, tests: Sequence[str]) -> None:
    folder.mkdir()
    branch = f"issue-{folder.name}"
    author = _clone(folder / "author", origin, "main")
    _git(author, "switch", "--quiet", "--create", branch)
    _commit(author, f"{branch}.txt")
    _git(author, "push", "--quiet", "origin", branch)
    _test(_clone(folder / "tests", origin, branch), tests)
    _git(_clone(folder / "guard", origin, branch), "diff", "origin/main...HEAD")
    queue = _clone(folder / "queue", origin, "main")
    _git(queue, "merge", "--quiet", "--no-ff", "--message", branch, f"origin/{branch}")
    _test(queue, tests)
    _git(queue, "push", "--quiet", "origin", "main")


def _clone(to: Path, origin: Path, branch: str) -> Path:
    _git(to.parent, "clone", "--quiet", "--shared", "--branch", branch, str(origin), str(to))
    return to


def _commit(checkout: Path, name: str) -> None:
    (checkout / name).write_text("Noted.\n")
    _git(checkout, "add", "--all")
    _git(checkout, "commit", "--quiet", "--message", name)


def _test(checkout: Path, command: Sequence[str]) -> None:
    if command:
        subprocess.run(command, cwd=checkout, env=_ENVIRONMENT, check=True, capture_output=True)


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=_ENVIRONMENT, check=True, capture_output=True)
