"""Blobs, trees and commits in memory."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from orket_pipelines.errors import GitError
from orket_pipelines.git.port import Identity

Tree = dict[str, tuple[str, str]]
"""Path → (mode as git writes it, name of the blob)."""


@dataclass(frozen=True, slots=True)
class Commit:
    tree: str
    parents: tuple[str, ...]
    message: str
    by: Identity
    seconds: int


Stored = bytes | Tree | Commit


class Objects:
    """Objects by name; adding one that is there changes nothing."""

    def __init__(self) -> None:
        self._found: dict[str, Stored] = {}
        self._new: list[Stored] = []

    def add(self, stored: Stored) -> tuple[str, bool]:
        """The name of `stored`, and whether it is new."""
        name = _name(stored)
        new = name not in self._found
        if new:
            self._found[name] = stored
            self._new.append(stored)
        return name, new

    def take_new(self) -> list[Stored]:
        """What was added since this was last asked."""
        taken, self._new = self._new, []
        return taken

    def blob(self, name: str) -> bytes:
        found = self._found.get(name)
        if not isinstance(found, bytes):
            raise GitError(f"there is no blob {name}")
        return found

    def commit(self, name: str) -> Commit:
        found = self._found.get(name)
        if not isinstance(found, Commit):
            raise GitError(f"there is no commit {name}")
        return found

    def tree(self, name: str) -> Tree:
        """The tree of that name, or that of the commit of that name."""
        found = self._found.get(name)
        if isinstance(found, Commit):
            return self.tree(found.tree)
        if not isinstance(found, dict):
            raise GitError(f"there is no tree {name}")
        return found

    def ancestors(self, name: str) -> dict[str, Commit]:
        """`name` and all that it came from."""
        found: dict[str, Commit] = {}
        pending = [name]
        while pending:
            current = pending.pop()
            if current not in found:
                found[current] = self.commit(current)
                pending.extend(found[current].parents)
        return found

    def merge_base(self, one: str, other: str) -> str:
        """A commit that both came from and that no other such commit came from.

        Raises: GitError where there is none.
        """
        shared = self.ancestors(one).keys() & self.ancestors(other).keys()
        # What one shares with the other includes all that it came from, so parents are enough to tell what is passed.
        passed = {parent for name in shared for parent in self.commit(name).parents}
        if not shared:
            raise GitError(f"{one} and {other} have no common history")
        return min(shared - passed)


def to_json(stored: Stored) -> Any:
    """As a journal keeps it."""
    if isinstance(stored, bytes):
        return base64.b64encode(stored).decode()
    return {"commit": asdict(stored)} if isinstance(stored, Commit) else {"tree": stored}


def from_json(kept: Any) -> Stored:
    """The opposite of `to_json`."""
    if isinstance(kept, str):
        return base64.b64decode(kept)
    if "tree" in kept:
        return {path: (mode, blob) for path, (mode, blob) in kept["tree"].items()}
    commit = kept["commit"]
    return Commit(**{**commit, "parents": tuple(commit["parents"]), "by": Identity(**commit["by"])})


def changed(before: Tree, after: Tree) -> Iterator[str]:
    """The paths that differ, sorted."""
    return (path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path))


def _name(stored: Stored) -> str:
    text = stored if isinstance(stored, bytes) else json.dumps(to_json(stored), sort_keys=True).encode()
    kind = type(stored).__name__.encode()
    return hashlib.sha1(kind + b"\0" + text, usedforsecurity=False).hexdigest()
