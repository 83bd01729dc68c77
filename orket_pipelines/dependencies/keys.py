"""The key of a checkout, quickly: manifests are read again only when one of them, or a folder, has changed."""

import time
from collections.abc import Callable
from pathlib import Path

from orket_pipelines.dependencies.manifests import Declared, read_manifests
from orket_pipelines.dependencies.plan import unusable_key
from orket_pipelines.dependencies.reading import Look, is_unchanged, look
from orket_pipelines.errors import InstallFailed

SETTLED = 50_000_000
"""Nanoseconds after which a change has a time of its own: kernels count file times in ticks of some milliseconds."""
REMEMBERED = 64
"""Checkouts."""


class Keys:
    """Remembers the keys of checkouts. `key_for` says which key goes with what is declared."""

    def __init__(self, key_for: Callable[[Declared], str]) -> None:
        self._key_for = key_for
        self._seen: dict[Path, tuple[Look, str]] = {}

    def of(self, checkout: Path) -> str:
        """The key; for manifests that cannot be used, one that no environment has."""
        seen = self._seen.get(checkout)
        if seen is not None and is_unchanged(checkout, seen[0]):
            return seen[1]
        before = time.time_ns()
        try:
            found = look(checkout)
            key = self._key_for(read_manifests(found))
        except InstallFailed as error:
            return unusable_key(str(error))
        if max(changed for _, _, changed in found.stamps.values()) < before - SETTLED:
            self._remember(checkout, found, key)
        return key

    def forget(self) -> None:
        """Keys depend on more than manifests, and that has changed."""
        self._seen.clear()

    def _remember(self, checkout: Path, found: Look, key: str) -> None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        self._seen[checkout] = found, key
