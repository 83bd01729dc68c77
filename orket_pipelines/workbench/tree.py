"""Everything below a checkout, of which a container may have made anything: how much it is, and whose.

Reached from an open folder, name by name, without following links; bounded in number and depth.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.errors import WorkbenchError

DEPTH = 200
"""Folders within folders; the factory's git goes no deeper."""
BLOCK = 512
"""Bytes, in which the kernel counts what a file takes, whatever the file system."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPENABLE = 0o700


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a checkout takes: `size` in bytes on disk; `entries` are files, folders and links.

    `whole` is false where a bound ended the count, so that there is more than this.
    """

    size: int
    entries: int
    whole: bool


class _Unbounded(Exception):
    """There is more below than is looked at."""


def measure(root: Path, *, most: int, should_stop: Callable[[], bool] = lambda: False) -> Footprint:
    """The footprint of `root`, counted up to `most` entries. A file of several names counts once."""
    size = entries = 0
    seen: set[tuple[int, int]] = set()
    try:
        for _, _, status in _walk(root, most):
            entries += 1
            if status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode):
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
            size += status.st_blocks * BLOCK
            if should_stop():
                break
    except _Unbounded:
        return Footprint(size, entries, whole=False)
    return Footprint(size, entries, whole=True)


def hand_over(root: Path, user: tuple[int, int], *, most: int) -> None:
    """Give everything below `root` to `user`, up to `most` entries: links themselves, never what they point at.

    A file with several names stays whose it is: another of them may lie elsewhere. Only root may do this.
    """
    os.chown(root, *user, follow_symlinks=False)
    with contextlib.suppress(_Unbounded):
        for folder, name, status in _walk(root, most):
            shared = status.st_nlink > 1 and not stat.S_ISDIR(status.st_mode)
            if (status.st_uid, status.st_gid) != user and not shared:
                with contextlib.suppress(FileNotFoundError):
                    os.chown(name, *user, dir_fd=folder, follow_symlinks=False)


def identity(root: Path) -> tuple[int, int]:
    """Which folder `root` is now: a container goes on seeing the one that it was started with.

    Raises: WorkbenchError where there is none.
    """
    found = _make_usable(root)
    return found.st_dev, found.st_ino


def _make_usable(root: Path) -> os.stat_result:
    """Open a checkout to its owner, which a command may have undone; its status. Raises: WorkbenchError."""
    try:
        found = root.lstat()
        if found.st_mode & _OPENABLE != _OPENABLE:
            _make_openable(None, str(root))
    except OSError as error:
        raise WorkbenchError(f"the checkout {root} cannot be used: {error.strerror}") from error
    return found


def _walk(root: Path, most: int) -> Iterator[tuple[int, str, os.stat_result]]:
    """Each entry below `root`: a descriptor of its folder, its name and status; folders before what is in them."""
    _make_usable(root)
    top = os.open(root, _FOLDER)
    count = 0
    try:
        for found in _below(top, 1):
            count += 1
            if count > most:
                raise _Unbounded
            yield found
    finally:
        os.close(top)


def _below(folder: int, depth: int) -> Iterator[tuple[int, str, os.stat_result]]:
    if depth > DEPTH:
        raise _Unbounded
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # a command that still runs removed it
            yield folder, entry.name, status
            if stat.S_ISDIR(status.st_mode):
                yield from _enter(folder, entry.name, status, depth)


def _enter(folder: int, name: str, status: os.stat_result, depth: int) -> Iterator[tuple[int, str, os.stat_result]]:
    try:
        if status.st_mode & _OPENABLE != _OPENABLE:
            _make_openable(folder, name)
        inner = os.open(name, _FOLDER, dir_fd=folder)
    except OSError:
        return  # removed, or swapped for something else, by a command that still runs
    try:
        yield from _below(inner, depth + 1)
    finally:
        os.close(inner)


def _make_openable(parent: int | None, name: str) -> None:
    """Let its owner read, change and enter a folder; through a descriptor, so that no link is followed."""
    handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        if mode & _OPENABLE != _OPENABLE:
            Path(f"/proc/self/fd/{handle}").chmod(mode | _OPENABLE)
    finally:
        os.close(handle)
