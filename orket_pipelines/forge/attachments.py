"""Files at comments: which a forge takes, and where the local one keeps them."""

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from orket_pipelines.forge.model import Attachment, AttachmentRefused

SIZE_LIMIT = 10_000_000
"""Bytes of one file. Gitea takes 100 MB where nobody says less, and many do."""
COUNT_LIMIT = 5
"""Files of one comment, as Gitea has it."""
ENDINGS = frozenset({".zip", ".log", ".txt", ".json", ".md", ".png", ".pdf"})
"""What Gitea takes. XML and HTML it does not: they have to be packed."""
_name = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.[a-z]{2,4}")


def checked(files: Mapping[str, bytes]) -> tuple[Attachment, ...]:
    """What a comment will tell of these files, by name. Raises: AttachmentRefused."""
    if len(files) > COUNT_LIMIT:
        raise AttachmentRefused(f"{len(files)} files are more than the {COUNT_LIMIT} that a comment takes")
    for name, content in files.items():
        if not _name.fullmatch(name) or Path(name).suffix not in ENDINGS:
            raise AttachmentRefused(
                f"a forge does not take {name!r}: plain names, ending in {', '.join(sorted(ENDINGS))}"
            )
        if len(content) > SIZE_LIMIT:
            raise AttachmentRefused(f"{name} has {len(content)} bytes, more than the {SIZE_LIMIT} that a forge takes")
    return tuple(Attachment(name, len(files[name]), digest_of(files[name])) for name in sorted(files))


def digest_of(content: bytes) -> str:
    """What a content goes by."""
    return hashlib.sha256(content).hexdigest()


class Shelf:
    """Contents in a folder, each in a file that goes by its digest, in one folder a pull request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, repository: str, number: int, content: bytes) -> None:
        """Write it whole or not at all."""
        path = self._of(repository, number) / digest_of(content)
        if self.read(repository, number, path.name) is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            half = path.with_suffix(".new")
            half.write_bytes(content)
            half.replace(path)

    def read(self, repository: str, number: int, sha256: str) -> bytes | None:
        """The content; None where it is gone, or is not what it was."""
        try:
            content = (self._of(repository, number) / sha256).read_bytes()
        except FileNotFoundError:
            return None
        return content if digest_of(content) == sha256 else None

    def drop(self, repository: str, number: int, all_but: Collection[str]) -> None:
        """Remove the others of this pull request."""
        folder = self._of(repository, number)
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in all_but:
                path.unlink(missing_ok=True)

    def _of(self, repository: str, number: int) -> Path:
        return self._folder / repository / str(number)
