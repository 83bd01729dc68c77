"""The files of a checkout, whose content nobody may trust.

Every path is walked name by name from a descriptor of the checkout, without following links, so that a symbolic link
never leads out, also not one that is swapped in while we look. Only plain files with a single name are touched.
"""

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.workbench.paths import BOUNDARY, FileRefused, PathRefusal, components, folded, shorten

READ_LIMIT = 4_000_000
WRITE_LIMIT = 2_000_000
"""Bytes of one file."""
NOT_ENTERED = frozenset({"__pycache__", "node_modules", ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
"""Folders that tools fill; they are listed, and not looked into."""
USABLE = "usable_file"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe waits for somebody to write to it.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a checkout. `path` is fit to be shown; `kind` is `file`, `folder`, `link` or `other`."""

    path: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Listing:
    """`complete` is false where a bound ended the walk."""

    entries: tuple[Entry, ...]
    complete: bool


class Files:
    """The files below `root`, which is the factory's own folder and no link. Each call stands alone."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str, *, limit: int = READ_LIMIT) -> bytes:
        """The content. Raises: FileRefused, also where it is longer than `limit` bytes."""
        with self._parent(path) as (folder, name), _explained(path):
            descriptor = os.open(name, _READ, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                found = os.fstat(descriptor)
                _require_plain(path, found)
                content = file.read(limit + 1)
        if len(content) > limit:
            size = max(found.st_size, len(content))
            raise _refused(path, f"has {size} bytes; at most {limit} are read", "Search it, or cut it with a command.")
        return content

    def write(self, path: str, content: bytes) -> bool:
        """Replace the file as a whole or not at all, folders included; whether it is new. Permissions stay."""
        if len(content) > WRITE_LIMIT:
            reason = f"would have {len(content)} bytes; at most {WRITE_LIMIT} are written"
            raise _refused(path, reason, "Split the file, or let a command generate it.")
        with self._parent(path, create=True) as (folder, name), _explained(path):
            before = _find(folder, name)
            if before is not None:
                _require_plain(path, before)
            mode = stat.S_IMODE(before.st_mode) & 0o777 if before else 0o644
            _replace(folder, name, content, mode)
        return before is None

    def delete(self, path: str) -> None:
        """Remove one name: a file, or a link itself, never what it points at. Raises: FileRefused for a folder."""
        with self._parent(path) as (folder, name), _explained(path):
            found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                raise _refused(path, "is a folder", "Delete its files one by one; an empty folder is not kept.")
            os.unlink(name, dir_fd=folder)

    def kind(self, path: str) -> str:
        """`file`, `folder`, `link` or `other`. Raises: FileRefused where there is nothing."""
        if not components(path):
            return "folder"
        with self._parent(path) as (folder, name), _explained(path):
            return _kind(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)

    def walk(self, path: str = ".", *, depth: int = 10, limit: int = 2_000) -> Listing:
        """What lies below a folder, `depth` folders deep, in the order of names, without `.git`."""
        names = components(path)
        walk = _Walk(limit)
        with self._folder(path, names) as folder:
            walk.gather(folder, "".join(f"{name}/" for name in names), depth)
        return Listing(tuple(walk.found), walk.complete)

    @contextmanager
    def _parent(self, path: str, *, create: bool = False) -> Iterator[tuple[int, str]]:
        names = components(path)
        if not names:
            raise _refused(path, "is the checkout itself", "Name a file in it.")
        with self._folder(path, names[:-1], create=create) as folder:
            yield folder, names[-1]

    @contextmanager
    def _folder(self, path: str, names: tuple[str, ...], *, create: bool = False) -> Iterator[int]:
        """A descriptor of the folder that `names` lead to; where they lead through a link, nothing."""
        try:
            folder = os.open(self._root, _FOLDER)
        except OSError as error:
            raise WorkbenchError(f"the checkout {self._root} cannot be opened: {error.strerror}") from error
        try:
            for name in names:
                with _explained(path):
                    inner = _enter(folder, name, create=create)
                os.close(folder)
                folder = inner
            yield folder
        finally:
            os.close(folder)


def _enter(folder: int, name: str, *, create: bool) -> int:
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=folder)
            if os.geteuid() == 0:
                os.chown(name, *_owner(folder), dir_fd=folder, follow_symlinks=False)
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        found = _find(folder, name)
        if error.errno not in {errno.ELOOP, errno.ENOTDIR} or found is None:
            raise
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "a file")
        rule = BOUNDARY if stat.S_ISLNK(found.st_mode) else USABLE
        refusal = PathRefusal(rule, f"{shorten(name)} is {kind}, not a folder", "Name a path through plain folders.")
        raise FileRefused(refusal) from error


def _find(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _require_plain(path: str, found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind in _KINDS:
        rule = BOUNDARY if kind == stat.S_IFLNK else USABLE
        fix = "List it instead." if kind == stat.S_IFDIR else "Only plain files are read and written here."
        raise FileRefused(PathRefusal(rule, f"{shorten(path)} is {_KINDS[kind]}, not a file", fix))
    if found.st_nlink > 1:
        reason = f"{shorten(path)} is a hard link: the file has another name, perhaps outside the checkout"
        raise FileRefused(PathRefusal(BOUNDARY, reason, "Delete it and write it anew."))


def _replace(folder: int, name: str, content: bytes, mode: int) -> None:
    temporary = f".{secrets.token_hex(8)}.tmp"
    descriptor = os.open(temporary, _CREATE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode)
            if os.geteuid() == 0:
                os.fchown(descriptor, *_owner(folder))
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _owner(folder: int) -> tuple[int, int]:
    """Whom new files in `folder` belong to where we are root: commands in containers run as another user."""
    found = os.fstat(folder)
    return found.st_uid, found.st_gid


class _Walk:
    """What has been found so far, and whether a bound ended it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.found: list[Entry] = []
        self.complete = True

    def gather(self, folder: int, prefix: str, depth: int) -> None:
        """Add what lies in an open folder, `depth` folders deep."""
        with os.scandir(folder) as scan:
            # A folder of millions is not read to its end.
            items = sorted(islice(scan, self.limit + 2), key=lambda item: item.name)
        for item in items:
            if folded(item.name) == ".git":
                continue
            if len(self.found) >= self.limit:
                self.complete = False
                return
            with contextlib.suppress(FileNotFoundError):
                self._add(folder, item, prefix, depth)

    def _add(self, folder: int, item: os.DirEntry[str], prefix: str, depth: int) -> None:
        status = item.stat(follow_symlinks=False)
        kind = _kind(status.st_mode)
        self.found.append(Entry(_shown(prefix + item.name), kind, status.st_size))
        if kind != "folder" or item.name in NOT_ENTERED:
            return
        if depth <= 1:
            self.complete = False
            return
        # One that was swapped for something else, or cannot be read, has been listed.
        with contextlib.suppress(OSError):
            inner = os.open(item.name, _FOLDER, dir_fd=folder)
            try:
                self.gather(inner, f"{prefix}{item.name}/", depth - 1)
            finally:
                os.close(inner)


def _kind(mode: int) -> str:
    names = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    return names.get(stat.S_IFMT(mode), "other")


def _shown(path: str) -> str:
    """A name may hold anything but a slash, a line break that forges a second entry included."""
    return path if path.isprintable() else ascii(path)


def _refused(path: str, reason: str, fix: str) -> FileRefused:
    return FileRefused(PathRefusal(USABLE, f"{shorten(path)} {reason}", fix))


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Say what the system refused in words that a model can act on."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ELOOP:
            refusal = PathRefusal(BOUNDARY, f"{shorten(path)} is a symbolic link", "Only plain files are used here.")
            raise FileRefused(refusal) from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}:
            message = f"{path}: {error.strerror}"
            raise WorkbenchError(message, next_step="Free or repair the disk under ORKET_HOME.") from error
        fix = "See what there is: list_files" if error.errno == errno.ENOENT else ""
        raise _refused(path, f"cannot be used: {error.strerror}", fix) from error
