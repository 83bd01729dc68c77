"""Whether the git of this machine can do what the factory asks of it."""

import shutil
import subprocess

from orket_pipelines.errors import GitError

NEEDED = (2, 38)
"""The first with `merge-tree --write-tree`, which merges without touching any files."""
PATIENCE = 5.0
"""Seconds that git may take to say its version."""


def find_git() -> str | None:
    """The version of the git on PATH, as it says it; None where there is no git."""
    if shutil.which("git") is None:
        return None
    try:
        said = subprocess.run(
            ["git", "--version"], capture_output=True, text=True, timeout=PATIENCE, check=False
        ).stdout
    except (OSError, ValueError, subprocess.TimeoutExpired):
        said = ""
    return next(iter(said.removeprefix("git version ").split()), "of unknown version")


def is_new_enough(version: str) -> bool:
    """Whether a version that git said is the one we need, or a later one."""
    numbers = [int(part) for part in version.split(".")[:2] if part.isdigit()]
    return tuple(numbers) >= NEEDED


def demand_git() -> None:
    """Raises: GitError where git is missing or too old; with another one, what is begun would stop half-way."""
    version = find_git()
    needed = ".".join(map(str, NEEDED))
    if version is None:
        raise GitError(
            "git is not installed",
            next_step=f"Install git {needed} or newer (on Debian: apt-get install git), then do the same again.",
        )
    if not is_new_enough(version):
        raise GitError(
            f"git {version} is too old: it cannot merge without touching files",
            next_step=f"Install git {needed} or newer, then run the same command again; see: orket doctor",
        )
