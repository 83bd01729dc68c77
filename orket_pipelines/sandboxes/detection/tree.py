"""What may be seen of a repository: a bounded look at its folders and files that follows no link."""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

ENTRIES_LIMIT = 20_000
"""Files and folders that are looked at, those nearest the root first."""
DEPTH_LIMIT = 12
"""How deep source code is looked for (Java's lies deepest); services are looked for to `SERVICE_DEPTH`."""
SERVICE_DEPTH = 3
FILE_LIMIT = 512 * 1024
"""Bytes of one file; none that a person writes and a detector needs is larger."""
READ_LIMIT = 16 * 1024**2
"""Bytes of all files together."""
EFFORT_LIMIT = 768 * 1024
"""Characters of source code that are parsed or split into tokens, of all files together: about a second."""
SKIPPED = frozenset(
    [
        "node_modules",
        "vendor",
        "third_party",
        "third-party",
        "thirdparty",
        "bower_components",
        "site-packages",
        "pods",
        "deps",
        "_build",
        "__pycache__",
        "venv",
        "env",
        "virtualenv",
        "dist",
        "build",
        "out",
        "target",
        "obj",
        "coverage",
        "htmlcov",
        "storybook-static",
        "test",
        "tests",
        "__tests__",
        "__mocks__",
        "testing",
        "e2e",
        "cypress",
        "spec",
        "specs",
        "fixtures",
        "__fixtures__",
        "testdata",
        "integration-tests",
        "integration_tests",
        "integration_test",
        "examples",
        "example",
        "samples",
        "sample",
        "docs",
        "doc",
        "docs_src",
        "documentation",
        "playground",
        "playgrounds",
        "demo",
        "demos",
        "benchmark",
        "benchmarks",
        "bench",
        "snippets",
        "tutorial",
        "tutorials",
        "template",
        "templates",
        "project_template",
        "starters",
        "boilerplate",
        "boilerplates",
        "scaffold",
        "scaffolds",
    ]
)
"""Folders that hold other people's code, what was built, tests, or programs to try things with; hidden ones besides."""
SKIPPED_WORDS = frozenset(
    [
        "test",
        "tests",
        "e2e",
        "fixture",
        "fixtures",
        "example",
        "examples",
        "sample",
        "samples",
        "playground",
        "playgrounds",
        "demo",
        "demos",
        "benchmark",
        "benchmarks",
        "tutorial",
        "tutorials",
        "template",
        "templates",
        "boilerplate",
        "scaffold",
    ]
)
"""The same as one word of a folder's name: `sfc-playground`, `Shop.Tests`, `TestConsole`."""

_word = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|e2e")


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
        self._effort = EFFORT_LIMIT
        self.memory: dict[object, Any] = {}
        """What rules have worked out already, by whatever tells it apart."""
        self.complete = True
        self.folders = {folder.path: folder for folder in self._walk()}

    def read(self, path: str) -> str | None:
        """The text of a file; None where it is no regular file in UTF-8 within the bounds."""
        if path not in self._texts:
            self._texts[path] = self._read(path)
        return self._texts[path]

    def spend(self, text: str) -> bool:
        """Whether this source may still be parsed; what is left of the effort shrinks by it."""
        self._effort -= len(text)
        return self._effort >= 0

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
                waiting += [(folder.file(name), depth + 1) for name in inner if _is_looked_into(name, folder)]

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


def _is_looked_into(name: str, parent: Folder) -> bool:
    if name.startswith("."):
        return False
    if "/src/main/" in f"/{parent.path}/":
        # Java's packages: `com.example.demo` is where most programs begin their life.
        return True
    if name == "docs" and parent.path == "apps":
        # A workspace's documentation may be one of its applications.
        return True
    words = {each.lower() for each in _word.findall(name)}
    return name.lower() not in SKIPPED and SKIPPED_WORDS.isdisjoint(words)
