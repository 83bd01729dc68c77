"""A plain folder as something to deploy: what is in it is its commit, so that the same files are deployed once."""

import hashlib
import re
import stat
from pathlib import Path

from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.model import Deployment
from orket_pipelines.sandboxes.source import TOO_BIG, walk

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a sandbox may be called: it stands in commands that people type."""
PIECE = 1 << 20


def deployment_of(folder: Path, name: str | None, *, limit: int) -> Deployment:
    """The folder as it stands, under `name` (None: its own).

    Raises: SandboxError where there is no such folder, where it holds more than `limit` bytes, or where it cannot be
    called that.
    """
    source = folder.resolve()
    if not source.is_dir():
        raise SandboxError(f"{folder} cannot be deployed: it is no folder", next_step="Name a repository's folder.")
    called = name if name is not None else re.sub(r"[^A-Za-z0-9._-]+", "-", source.name).strip("-._")
    if not NAME.fullmatch(called):
        raise SandboxError(
            f"{folder} cannot be deployed as {called!r}: a name has letters, digits, dots, dashes and underscores",
            next_step="Give it one: orket sandboxes up PATH --name NAME",
        )
    return Deployment(called, str(source), digest(source, limit=limit), source)


def digest(source: Path, *, limit: int) -> str:
    """What a folder holds, in as many characters as a commit has: names, kinds, contents, and which are programs."""
    known, left = hashlib.sha256(), limit
    for folder, names in walk(source):
        for name in names:
            path = folder / name
            found = path.lstat()
            program = bool(found.st_mode & stat.S_IXUSR)
            known.update(
                f"{path.relative_to(source)}\0{stat.S_IFMT(found.st_mode)}{program}\0".encode(errors="replace")
            )
            if stat.S_ISLNK(found.st_mode):
                known.update(str(path.readlink()).encode(errors="replace"))
            elif stat.S_ISREG(found.st_mode):
                left -= found.st_size
                if left < 0:
                    raise SandboxError(f"{source} has more than {limit} bytes of files", next_step=TOO_BIG)
                _add(known, path, found.st_size)
    return known.hexdigest()[:40]


def _add(known: "hashlib._Hash", path: Path, size: int) -> None:
    """At most so many bytes: a file that grows meanwhile is another one."""
    with path.open("rb") as file:
        while size > 0 and (piece := file.read(min(PIECE, size))):
            size -= len(piece)
            known.update(piece)
