"""The files that a run leaves: taken out of a folder that what was tested could write to, then kept with a digest."""

import base64
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from orket_pipelines.verification.model import Artifact

MEGABYTE = 1_000_000
TOTAL_LIMIT = 60 * MEGABYTE
"""Bytes of all artifacts of a run."""
COUNT_LIMIT = 60
ENTRY_LIMIT = 1_000
"""Names in the folder that are looked at."""
URI_LIMIT = 200_000
"""Characters of a screenshot as a data URI."""
PNG = b"\x89PNG\r\n\x1a\n"
LARGEST_SIDE = 20_000
"""Pixels of a screenshot's width or height: whoever shows it unpacks it."""
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.[a-z]{3,4}")
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Sort:
    """What a kind of file begins with, and how large it may be."""

    media_type: str
    magic: bytes
    limit: int


_sorts = {
    ".png": _Sort("image/png", PNG, 5 * MEGABYTE),
    ".webm": _Sort("video/webm", b"\x1a\x45\xdf\xa3", 20 * MEGABYTE),
    ".zip": _Sort("application/zip", b"PK\x03\x04", 20 * MEGABYTE),
    ".xml": _Sort("application/xml", b"<?xml", 5 * MEGABYTE),
}


def artifacts_folder(home: Path, workspace_id: str, card_id: str, run_id: str) -> Path:
    """Where the files of a test run lie; made when there are any."""
    return home.resolve() / "artifacts" / workspace_id / card_id / run_id


def take_artifacts(source: Path, folder: Path) -> tuple[Artifact, ...]:
    """Copy what is an artifact from `source` to `folder`, named by its hash, and leave everything else.

    Plain files directly in `source`, with a plain name, of a known kind and size, that begin as their kind does. No
    link is followed, no pipe waited for. Nothing that writes to `source` may still run.
    """
    taken: list[Artifact] = []
    room = TOTAL_LIMIT
    for name in _names(source):
        content = _read(source / name, room)
        if content is None:
            continue
        taken.append(keep(name, content, folder))
        room -= len(content)
    return tuple(taken)


def keep(name: str, content: bytes, folder: Path) -> Artifact:
    """Write what a run left under the hash of its content, which tells whether it is still what it was."""
    digest, suffix = hashlib.sha256(content).hexdigest(), Path(name).suffix
    path = folder / f"{digest}{suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Artifact(name, _sorts[suffix].media_type, path, len(content), digest)


def screenshot_uri(artifact: Artifact, *, limit: int = URI_LIMIT) -> str | None:
    """A screenshot as `data:image/png;base64,…`; None where it is none, is gone, is not what it was, or would be longer
    than `limit`."""
    if artifact.media_type != "image/png":
        return None
    content = read_artifact(artifact)
    if content is None:
        return None
    uri = "data:image/png;base64," + base64.b64encode(content).decode()
    return uri if len(uri) <= limit else None


def read_artifact(artifact: Artifact) -> bytes | None:
    """Its content; None where it is gone, or is not what it was."""
    content = _read(artifact.path, TOTAL_LIMIT)
    return content if content is not None and hashlib.sha256(content).hexdigest() == artifact.sha256 else None


def _names(source: Path) -> list[str]:
    """The names to look at, the report first, then screenshots, so that large videos do not crowd them out."""
    order = {".xml": 0, ".png": 1, ".webm": 2, ".zip": 3}
    found = [name for name in _entries(source) if _name.fullmatch(name) and Path(name).suffix in order]
    return sorted(found, key=lambda name: (order[Path(name).suffix], name))[:COUNT_LIMIT]


def _entries(source: Path) -> Iterator[str]:
    try:
        with os.scandir(source) as entries:
            yield from (entry.name for entry in islice(entries, ENTRY_LIMIT))
    except OSError:
        return  # a process of this machine can remove it


def _read(path: Path, room: int) -> bytes | None:
    """The file's content, where it is what its name says."""
    sort = _sorts[path.suffix]
    content = _read_plain(path, min(sort.limit, room))
    if content is None or not content.startswith(sort.magic):
        return None
    return None if path.suffix == ".png" and not _is_picture(content) else content


def _read_plain(path: Path, limit: int) -> bytes | None:
    """What a plain file of at most `limit` bytes holds."""
    try:
        descriptor = os.open(path, _FILE)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(limit + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= limit else None


def _is_picture(content: bytes) -> bool:
    """Whether a PNG begins with its header, of a size that can be shown."""
    if content[12:16] != b"IHDR":
        return False
    sides = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    return all(0 < side <= LARGEST_SIDE for side in sides)
