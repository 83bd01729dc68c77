"""What may be a name: checked before it becomes a path or an argument of git."""

import re
from functools import lru_cache

from orket_pipelines.errors import GitError

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_REFERENCE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")
_OBJECT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


@lru_cache(maxsize=1_000)
def check_repository(name: str) -> str:
    """`name`, which is one plain path component. Raises: GitError."""
    if not _REPOSITORY.fullmatch(name) or name.endswith((".git", ".lock")):
        raise GitError(
            f"{name!r} cannot name a repository", next_step="Use letters, digits, dots, dashes and underscores."
        )
    return name


@lru_cache(maxsize=1_000)
def check_reference(name: str) -> str:
    """`name`, which git accepts under `refs/heads/` (stricter than git: plain ASCII). Raises: GitError."""
    components = name.split("/")
    plain = all(part and not part.startswith(".") and not part.endswith((".lock", ".")) for part in components)
    if not _REFERENCE.fullmatch(name) or not plain or ".." in name:
        raise GitError(
            f"{name!r} cannot name a branch", next_step="Use letters, digits, dots, dashes, underscores and slashes."
        )
    return name


def check_object(name: str) -> str:
    """`name`, which is a full object name (zeros are none: git takes them for "no object"). Raises: GitError."""
    if not _OBJECT.fullmatch(name) or not name.strip("0"):
        raise GitError(f"{name!r} is not the full name of a git object")
    return name
