"""What may be seen of a repository: a bounded look at its folders and files that follows no link."""

import math
import os
import posixpath
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.sandboxes.detection.skipping import is_looked_into

ENTRIES_LIMIT = 20_000
"""Files and folders that are looked at, those nearest the root first."""
DEPTH_LIMIT = 12
"""How deep source code is looked for (Java's lies deepest); services are looked for to `SERVICE_DEPTH`."""
SERVICE_DEPTH = 3
FILE_LIMIT = 512 * 1024
"""Bytes of one file; none that a person writes and a detector needs is larger."""
READ_LIMIT = 16 * 1024**2
"""Bytes of all files together."""
READS_LIMIT = 4_000
"""Files that are opened, those that are asked for first."""
EFFORT_LIMIT = 512 * 1024
"""Characters of source code that are parsed or split into tokens, of all files together: about a second."""
LINE_EFFORT = 8
"""What a line adds to that."""
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Folder:
    """`path` is relative to the root, with slashes; the root is `.`."""

    path: str
    depth: int
    files: frozenset[str]

    def file(self, name: str) -> str:
        """The path of something in it, relative to the root."""
        return name if self.path == "." else f"{self.path}/{name}"

    def inner(self, path: str) -> str:
        """The other way round: the path from here of something in it, whose path is relative to the root."""
        return path if self.path == "." else path[len(self.path) + 1 :]

    def contains(self, other: str) -> bool:
        """Whether the folder `other` is this one or lies in it."""
        return self.path in {".", other} or other.startswith(f"{self.path}/")


class Tree:
    """The folders of a repository, nearest first, and the text of their files within the bounds.

    Names that cannot be printed are passed over: no program of ours should have to say them.
    """

    def __init__(
        self, root: Path, *, within: float | None = None, everything: bool = False, clock: Clock | None = None
    ) -> None:
        """`within`: seconds after which nothing more is read; None where all may be looked at that the bounds allow.
        `everything`: examples and demonstrations too.
        """
        self._everything = everything
        self._root = root
        self._clock = clock or SystemClock()
        self._until = math.inf if within is None else self._clock.monotonic() + within
        self._left = READ_LIMIT
        self._reads = READS_LIMIT
        self._texts: dict[str, str | None] = {}
        self._effort = EFFORT_LIMIT
        self._memory: dict[object, Any] = {}
        self.complete = True
        self.folders = {folder.path: folder for folder in self._walk()}

    def once(self, key: object, work_out: Callable[[], _Found]) -> _Found:
        """What rules ask for again and again, worked out the first time; `key` tells it apart."""
        if key not in self._memory:
            self._memory[key] = work_out()
        found: _Found = self._memory[key]
        return found

    def known(self, key: object) -> Any:
        """What was worked out already; None where it was not."""
        return self._memory.get(key)

    def read(self, path: str) -> str | None:
        """The text of a file; None where it is no regular file in UTF-8 within the bounds."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def spend(self, text: str) -> bool:
        """Whether this source may still be parsed; what is left of the effort shrinks by it, if it may.

        Short lines hold more for a parser than their characters tell.
        """
        cost = len(text) + LINE_EFFORT * text.count("\n")
        if cost > self._effort or self._is_late():
            return False
        self._effort -= cost
        return True

    def below(self, folder: Folder) -> Iterator[Folder]:
        """The folder itself and every folder in it, nearest first."""
        return (each for each in self.folders.values() if folder.contains(each.path))

    def above(self, folder: Folder) -> Iterator[Folder]:
        """The folder itself and every folder that it lies in, nearest first."""
        path = folder.path
        while path != ".":
            yield self.folders[path]
            path = posixpath.dirname(path) or "."
        yield self.folders["."]

    def _is_late(self) -> bool:
        late = self._clock.monotonic() > self._until
        self.complete = self.complete and not late
        return late

    def _walk(self) -> Iterator[Folder]:
        left, waiting = ENTRIES_LIMIT, [(".", 0)]
        for path, depth in waiting:
            entries = self._list(path, left)
            left -= len(entries)
            files = frozenset(entry.name for entry in entries if entry.is_file(follow_symlinks=False))
            if depth > 0 and "pyvenv.cfg" in files:
                continue
            folder = Folder(path, depth, files)
            yield folder
            if left <= 0 or self._is_late():
                self.complete = False
                return
            if depth < DEPTH_LIMIT:
                inner = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
                waiting += [
                    (folder.file(name), depth + 1)
                    for name in inner
                    if is_looked_into(name, path, beside=inner, everything=self._everything)
                ]

    def _list(self, path: str, limit: int) -> "list[os.DirEntry[str]]":
        try:
            with os.scandir(self._root / path) as entries:
                return [entry for entry in islice(entries, limit) if entry.name.isprintable()]
        except OSError:
            self.complete = False
            return []

    def _read(self, path: str) -> str | None:
        self._reads -= 1
        if self._reads < 0 or self._is_late():
            return None
        try:
            # A pipe would be waited for, and a link could lead anywhere.
            descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > min(FILE_LIMIT, self._left):
                return None
            content = file.read(FILE_LIMIT)
        self._left -= len(content)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return None
