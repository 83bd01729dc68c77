"""Blobs, trees and commits in memory."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from heapq import heappop, heappush
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
        self._depths: dict[str, int] = {}
        self._new: list[Stored] = []

    def add(self, stored: Stored) -> tuple[str, bool]:
        """The name of `stored`, and whether it is new."""
        name = _name(stored)
        new = name not in self._found
        if new:
            self._found[name] = stored
            if isinstance(stored, Commit):
                # One more than any commit that it came from, so that a search back need not go to the very beginning.
                self._depths[name] = 1 + max((self._depths[parent] for parent in stored.parents), default=0)
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

    def came_from(self, name: str, older: str) -> bool:
        """Whether `older` is `name`, or among all that it came from."""
        depth = self._depth(older)
        seen: set[str] = set()
        pending = [name]
        while pending:
            current = pending.pop()
            if current == older:
                return True
            if current not in seen and self._depth(current) > depth:
                seen.add(current)
                pending.extend(self.commit(current).parents)
        return False

    def merge_base(self, one: str, other: str) -> str:
        """A commit that both came from and that no other such commit came from.

        Raises: GitError where there is none.
        """
        sides = {one: {1}, other: {2}} if one != other else {one: {1, 2}}
        pending = sorted((-self._depth(name), name) for name in sides)
        while pending:
            # The deepest first: whatever came from it has been seen, so what both sides reach is no further back.
            _, name = heappop(pending)
            if sides[name] == {1, 2}:
                return name
            for parent in self.commit(name).parents:
                if parent not in sides:
                    heappush(pending, (-self._depth(parent), parent))
                sides[parent] = sides.get(parent, set()) | sides[name]
        raise GitError(f"{one} and {other} have no common history")

    def _depth(self, name: str) -> int:
        self.commit(name)
        return self._depths[name]


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


def _plain(stored: Tree | Commit) -> object:
    """The same for all that are equal."""
    return stored if isinstance(stored, Commit) else sorted(stored.items())


def _name(stored: Stored) -> str:
    text = stored if isinstance(stored, bytes) else repr(_plain(stored)).encode()
    kind = type(stored).__name__.encode()
    return hashlib.sha1(kind + b"\0" + text, usedforsecurity=False).hexdigest()
