"""Folders that git works on: made, cleared of what git must not see, and removed, whatever an agent left in them.

Everything is reached from an open folder, name by name, without following links: a folder that turns into a link
while we look does not lead us out.
"""

import errno
import fcntl
import os
import stat
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orket_pipelines.errors import GitError
from orket_pipelines.store import failpoint, reach

DEPTH = 200
LENGTH = 3_000
"""Folders within folders, and bytes of a path, beyond which what an agent made is no code (git gives up at 4096)."""

FRESH_MADE = failpoint("git.fresh_folder_made")
OLD_ASIDE = failpoint("git.old_folder_aside")
IN_PLACE = failpoint("git.folder_in_place")

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CONFIG = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = {bare}\n"


def make_repository(directory: Path, *, branch: str, bare: bool) -> None:
    """Write an empty repository, as `git init` without a template does; HEAD is `branch`, which does not exist yet."""
    for folder in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (directory / folder).mkdir(parents=True)
    (directory / "config").write_text(_CONFIG.format(bare=str(bare).lower()))
    (directory / "HEAD").write_text(f"ref: refs/heads/{branch}\n")


def clear(path: Path, *, repair: bool = False) -> None:
    """Remove from `path` what git must not meet: repositories within, names that it refuses, bottomless folders.

    The `.git` of `path` itself stays. With `repair`, everything is made readable and writable for us.

    Raises: GitError where `path` is not a folder; OSError.
    """
    try:
        folder = _open(None, str(path))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise GitError(f"there is no checkout at {path}: {error.strerror}") from error
    try:
        _clear(folder, 0, 0, repair=repair)
    finally:
        os.close(folder)


def remove(path: Path) -> None:
    """Remove the folder, file or link at `path`; nothing there is no error. Raises: OSError."""
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return
    try:
        _remove(parent, path.name)
    finally:
        os.close(parent)


def make_fresh(path: Path) -> Path:
    """An empty folder beside `path`, which `replace` puts in its place; what a killed call left there is removed."""
    fresh = path.with_name(f".{path.name}.new")
    remove(fresh)
    remove(path.with_name(f".{path.name}.old"))
    fresh.mkdir(parents=True)
    reach(FRESH_MADE)
    return fresh


def replace(path: Path, fresh: Path) -> None:
    """Put `fresh` where `path` is; whoever is killed on the way leaves one of the two whole."""
    old = path.with_name(f".{path.name}.old")
    if path.is_symlink() or path.exists():
        path.rename(old)
        reach(OLD_ASIDE)
    fresh.rename(path)
    reach(IN_PLACE)
    remove(old)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turn what the operating system says into one clear line."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        remedy = "Free disk space" if full else "Make that place one that this user may write"
        raise GitError(f"{doing}: {error}", next_step=f"{remedy}, then run the same command again.") from error


@contextmanager
def held(path: Path, *, patience: float) -> Iterator[int]:
    """Hold the lock file at `path`; its descriptor, for children to inherit.

    Raises: GitError after `patience` seconds.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait(lock, path, time.monotonic() + patience)
        yield lock
    finally:
        os.close(lock)


def _wait(lock: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise GitError(f"another process keeps {path} locked") from error
            time.sleep(0.002)
        else:
            return


def _clear(folder: int, depth: int, length: int, *, repair: bool) -> None:
    """`folder` is `depth` folders and `length` bytes from the top."""
    with os.scandir(folder) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in entries]
    for name, is_folder, is_link in found:
        if depth == 0 and name == ".git":
            continue
        reach = length + len(os.fsencode(name)) + 1
        if _is_refused(name, is_link=is_link) or reach > LENGTH or (is_folder and depth >= DEPTH):
            _remove(folder, name)
            continue
        if repair and not is_link:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            os.chmod(name, stat.S_IMODE(mode) | (0o700 if is_folder else 0o600), dir_fd=folder)
        if is_folder:
            _enter(folder, name, depth + 1, reach, repair=repair)


def _enter(folder: int, name: str, depth: int, length: int, *, repair: bool) -> None:
    try:
        inner = _open(folder, name)
    except (FileNotFoundError, NotADirectoryError):
        # It went away, or became a link.
        return
    try:
        _clear(inner, depth, length, repair=repair)
    finally:
        os.close(inner)


def _open(parent: int | None, name: str) -> int:
    """A folder, readable or not: git would pass over what it may not read, and its files would seem to be gone."""
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        return os.open(name, _FOLDER, dir_fd=parent)


def _is_refused(name: str, *, is_link: bool) -> bool:
    """Git takes a folder with `.git` for another repository, and fails on the rest."""
    lower = name.lower()
    return lower == ".git" or (is_link and lower == ".gitmodules")


def _remove(parent: int, name: str) -> None:
    """Remove an entry of `parent`.

    Inner folders are first moved up into the outermost one, so that no depth is too deep; whoever dies here leaves all
    that remains under the one name, for the next call.
    """
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        top = _open_to_remove(parent, name)
        try:
            _empty(top)
        finally:
            os.close(top)
        os.rmdir(name, dir_fd=parent)


def _empty(top: int) -> None:
    pending = _unlink_files(top)
    while pending:
        name = pending.pop()
        folder = _open_to_remove(top, name)
        try:
            for inner in _unlink_files(folder):
                moved = f"removed-{uuid.uuid4().hex}"
                os.chmod(inner, 0o700, dir_fd=folder)
                os.rename(inner, moved, src_dir_fd=folder, dst_dir_fd=top)
                pending.append(moved)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=top)


def _unlink_files(folder: int) -> list[str]:
    """Unlink all entries but folders; the names of those."""
    folders = []
    for name in os.listdir(folder):
        try:
            os.unlink(name, dir_fd=folder)
        except (IsADirectoryError, PermissionError):
            folders.append(name)
    return folders


def _open_to_remove(parent: int, name: str) -> int:
    """Raises: NotADirectoryError where it is a file that may not be unlinked."""
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.chmod(name, 0o700, dir_fd=parent)
    return os.open(name, _FOLDER, dir_fd=parent)
