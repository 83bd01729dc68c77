"""What may be seen of a repository: a bounded look at its folders and files that follows no link."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

ENTRIES_LIMIT = 10_000
"""Files and folders that are looked at, those nearest the root first."""
DEPTH_LIMIT = 6
"""How deep source code is looked for; services are looked for to `SERVICE_DEPTH`."""
SERVICE_DEPTH = 3
FILE_LIMIT = 512 * 1024
"""Bytes of one file; none that a person writes and a detector needs is larger."""
READ_LIMIT = 16 * 1024**2
"""Bytes of all files together."""
SKIPPED = frozenset(
    {
        "node_modules",
        "vendor",
        "third_party",
        "bower_components",
        "site-packages",
        "__pycache__",
        "tests",
        "test",
        "__tests__",
        "e2e",
        "cypress",
        "spec",
        "fixtures",
        "testdata",
        "examples",
        "example",
        "samples",
        "docs",
        "doc",
        "playground",
        "venv",
        "env",
        "virtualenv",
        "dist",
        "build",
        "out",
        "target",
        "coverage",
        "htmlcov",
    }
)
"""Folders that hold other people's code, what was built, or programs to try things with; hidden ones besides."""


@dataclass(frozen=True, slots=True)
class Folder:
    """`path` is relative to the root, with slashes; the root is `.`."""

    path: str
    depth: int
    files: frozenset[str]

    def file(self, name: str) -> str:
        """The path of something in it, relative to the root."""
        return name if self.path == "." else f"{self.path}/{name}"

    def contains(self, other: str) -> bool:
        """Whether the folder `other` is this one or lies in it."""
        return self.path in {".", other} or other.startswith(f"{self.path}/")


class Tree:
    """The folders of a repository, nearest first, and the text of their files within the bounds.

    Names that cannot be printed are passed over: no program of ours should have to say them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._left = READ_LIMIT
        self._texts: dict[str, str | None] = {}
        self.complete = True
        self.folders = {folder.path: folder for folder in self._walk()}

    def read(self, path: str) -> str | None:
        """The text of a file; None where it is no regular file in UTF-8 within the bounds."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def below(self, folder: Folder) -> Iterator[Folder]:
        """The folder itself and every folder in it, nearest first."""
        return (each for each in self.folders.values() if folder.contains(each.path))

    def above(self, folder: Folder) -> Iterator[Folder]:
        """The folder itself and every folder that it lies in, nearest first."""
        return (each for each in reversed(self.folders.values()) if each.contains(folder.path))

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
            if left <= 0:
                self.complete = False
                return
            if depth < DEPTH_LIMIT:
                inner = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
                waiting += [(folder.file(name), depth + 1) for name in inner if _is_looked_into(name)]

    def _list(self, path: str, limit: int) -> "list[os.DirEntry[str]]":
        try:
            with os.scandir(self._root / path) as entries:
                return [entry for entry in islice(entries, limit) if entry.name.isprintable()]
        except OSError:
            self.complete = False
            return []

    def _read(self, path: str) -> str | None:
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


def _is_looked_into(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in SKIPPED
