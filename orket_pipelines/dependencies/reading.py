"""The manifests of a checkout, whose content nobody may trust: read within bounds, and never through a link.

Every folder is entered by name from a descriptor of the one above, without following links; only plain files are read.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orket_pipelines.errors import InstallFailed, WorkbenchError

DEPTH = 3
"""Folders below the root that are looked into."""
FOLDERS = 400
"""Folders that are looked into, those near the root first."""
ENTRIES = 5_000
"""Names in one folder that are looked at."""
READ = frozenset(
    {"requirements.lock", "requirements.txt", "pyproject.toml", "package.json", "package-lock.json"},
)
"""What is read."""
NOTICED = frozenset(
    {"uv.lock", "poetry.lock", "pdm.lock", "Pipfile", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"}
)
"""What is only seen to be there."""
SKIPPED = frozenset({"node_modules", "vendor", "tests", "test", "__pycache__", "venv", "dist", "build"})
"""Folders that declare nothing of the project's own; so do hidden ones."""
MEGABYTE = 1_000_000
SIZE_LIMIT = 1 * MEGABYTE
LOCK_LIMIT = 16 * MEGABYTE
"""Bytes of one file; large applications have lock files of some megabytes."""
MANIFESTS = 40
"""Files that are read."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Stamp = tuple[int, int, int]
"""Inode, size and time of the last change, which no command can set back."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a checkout held when it was looked at.

    `contents` and `noticed` are by path from the root. `stamps` has every folder that was looked into and every file
    that was read: as long as none of them changes, neither does the rest. `complete` is false where a bound ended it.
    """

    contents: Mapping[str, bytes]
    noticed: frozenset[str]
    stamps: Mapping[str, Stamp]
    complete: bool


def look(root: Path) -> Look:
    """Find and read the manifests.

    Raises: InstallFailed where one is no plain file, or too large; WorkbenchError where there is no checkout.
    """
    walk = _Walk()
    try:
        folder = os.open(root, _FOLDER)
    except OSError as error:
        raise WorkbenchError(f"the checkout {root} cannot be opened: {error.strerror}") from error
    try:
        walk.run(folder)
    finally:
        os.close(folder)
    return Look(walk.contents, frozenset(walk.noticed), walk.stamps, walk.complete)


def is_unchanged(root: Path, found: Look) -> bool:
    """Whether looking again would find the same."""
    try:
        return all(_stamp(os.lstat(f"{root}/{path}")) == stamp for path, stamp in found.stamps.items())
    except OSError:
        return False


class _Walk:
    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.noticed: set[str] = set()
        self.stamps: dict[str, Stamp] = {}
        self.complete = True

    def run(self, root: int) -> None:
        """Level by level, so that a bound leaves out what is deep."""
        level = [""]
        for depth in range(DEPTH + 1):
            below: list[str] = []
            for prefix in level:
                if len(self.stamps) >= FOLDERS:
                    self.complete = False
                    return
                below += self._look_into(root, prefix)
            level = below if depth < DEPTH else []

    def _look_into(self, root: int, prefix: str) -> list[str]:
        """Read a folder's manifests; the folders in it that are worth looking into."""
        folder = _enter(root, prefix)
        if folder is None:
            return []
        try:
            self.stamps[prefix] = _stamp(os.fstat(folder))
            with os.scandir(folder) as scan:
                items = sorted(islice(scan, ENTRIES + 1), key=lambda item: item.name)
            self.complete = self.complete and len(items) <= ENTRIES
            for item in items:
                if item.name in READ:
                    self._read(folder, prefix, item.name)
            self.noticed |= {prefix + item.name for item in items if item.name in NOTICED}
            return [f"{prefix}{item.name}/" for item in items if _is_worthwhile(item)]
        finally:
            os.close(folder)

    def _read(self, folder: int, prefix: str, name: str) -> None:
        path = prefix + name
        if len(self.contents) >= MANIFESTS:
            raise _refused(
                path, f"is one manifest too many; {MANIFESTS} are read", "Declare dependencies in one place."
            )
        try:
            descriptor = os.open(name, _FILE, dir_fd=folder)
        except OSError as error:
            raise _refused(path, f"cannot be read: {error.strerror}", "Replace it by a plain file.") from error
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise _refused(path, "is not a plain file with one name", "Replace it by a plain file.")
            limit = LOCK_LIMIT if name == "package-lock.json" else SIZE_LIMIT
            content = file.read(limit + 1)
        if len(content) > limit:
            raise _refused(path, f"has more than {limit} bytes", "Declare less in it.")
        self.contents[path] = content
        self.stamps[path] = _stamp(found)


def _enter(root: int, prefix: str) -> int | None:
    """A descriptor of the folder; None where it went away, or a link took its place."""
    folder = os.dup(root)
    try:
        for name in prefix.split("/")[:-1]:
            inner = os.open(name, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
    except OSError:
        os.close(folder)
        return None
    # A descriptor of its own: scanning moves the position that a duplicate would share.
    return folder


def _is_worthwhile(item: os.DirEntry[str]) -> bool:
    # A name that cannot be printed would go into messages, and some can be stored nowhere.
    usual = item.name.isprintable() and not item.name.startswith(".") and item.name not in SKIPPED
    return usual and item.is_dir(follow_symlinks=False)


def _stamp(found: os.stat_result) -> Stamp:
    return found.st_ino, found.st_size, found.st_ctime_ns


def _refused(path: str, reason: str, next_step: str) -> InstallFailed:
    return InstallFailed(f"{path if path.isprintable() else ascii(path)} {reason}", next_step=next_step)
