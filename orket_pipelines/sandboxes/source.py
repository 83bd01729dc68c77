"""The files that a sandbox runs from: copied from a checkout that a model filled, and unpacked from a build of it."""

import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

from orket_pipelines.errors import SandboxError
from orket_pipelines.git.folders import remove

LEFT_OUT = frozenset({".git", "node_modules", "__pycache__", ".venv"})
"""Names that are never copied: the repository itself, and what comes from elsewhere."""
FOLDER, FILE, PROGRAM = 0o755, 0o644, 0o755
"""Modes of copies: the container's user, who is not their owner, has to read them."""
TOO_BIG = "Take generated files out of the repository, or raise ORKET_CHECKOUT_LIMIT."


def folder_of(home: Path, workspace: str, sandbox: str) -> Path:
    """Where the files of a sandbox lie."""
    return home.resolve() / "sandboxes" / workspace / sandbox


def source_of(home: Path, workspace: str, sandbox: str, generation: int) -> Path:
    """Where the repository's files of one of its deployments lie."""
    return folder_of(home, workspace, sandbox) / str(generation) / "source"


def copy_source(source: Path, target: Path, *, limit: int) -> None:
    """Copy plain files, folders, and links that stay within, from `source` to `target`, which becomes new.

    Everything else (devices, pipes, links out) is left out. Raises: SandboxError beyond `limit` bytes.
    """
    discard(target)
    target.mkdir(parents=True)
    target.chmod(FOLDER)
    root, left = source.resolve(), limit
    for folder, names in walk(source):
        place = target / folder.relative_to(source)
        for name in names:
            found = (folder / name).lstat()
            if stat.S_ISDIR(found.st_mode):
                (place / name).mkdir()
                (place / name).chmod(FOLDER)
            elif stat.S_ISLNK(found.st_mode):
                _copy_link(folder / name, place / name, root)
            elif stat.S_ISREG(found.st_mode):
                left -= _copy_file(folder / name, place / name, left)
            if left < 0:
                raise SandboxError(f"the repository has more than {limit} bytes of files", next_step=TOO_BIG)


def unpack(archive: Path, target: Path, *, limit: int) -> None:
    """Unpack a tar that a container wrote: plain files and folders alone, none outside `target`, which becomes new.

    Raises: SandboxError where it is no such thing, or holds more than `limit` bytes.
    """
    discard(target)
    target.mkdir(parents=True)
    target.chmod(FOLDER)
    try:
        with tarfile.open(archive, "r:") as packed:
            _extract(packed, target, limit)
    except (tarfile.TarError, OSError, ValueError) as error:
        raise SandboxError(f"what the build made cannot be unpacked: {error}") from error


def walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders from the top, each with the names in it that are copied; links are not followed."""
    pending = [root]
    while pending:
        folder = pending.pop()
        names = sorted(path.name for path in folder.iterdir() if path.name not in LEFT_OUT)
        yield folder, names
        pending += [folder / name for name in names if stat.S_ISDIR((folder / name).lstat().st_mode)]


def discard(folder: Path) -> None:
    """Remove a folder and all that is in it, whatever a service made of it; nothing there is no error."""
    remove(folder)


def _copy_file(source: Path, target: Path, limit: int) -> int:
    """Copy at most a byte more than `limit`; the size."""
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as reading:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            return found.st_size
        with target.open("xb") as writing:
            shutil.copyfileobj(reading, writing)
    target.chmod(PROGRAM if found.st_mode & stat.S_IXUSR else FILE)
    return found.st_size


def _copy_link(link: Path, target: Path, root: Path) -> None:
    """A relative link whose end lies in the repository; others lead out, or would lead to the checkout."""
    to, end = link.readlink(), Path(os.path.realpath(link))
    if not to.is_absolute() and end.is_relative_to(root) and end.exists():
        target.symlink_to(to)


def _extract(packed: tarfile.TarFile, target: Path, limit: int) -> None:
    for member in packed:
        limit -= member.size
        if limit < 0:
            raise SandboxError("what the build made is too big", next_step=TOO_BIG)
        if not member.isreg() and not member.isdir():
            continue
        # Modes and owners are ours to say; the filter refuses names that lead out.
        safe = tarfile.data_filter(member, str(target))
        place = target / safe.name
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        content = packed.extractfile(member)
        if content is not None:
            with content, place.open("xb") as writing:
                shutil.copyfileobj(content, writing)
            place.chmod(PROGRAM if member.mode & stat.S_IXUSR else FILE)
