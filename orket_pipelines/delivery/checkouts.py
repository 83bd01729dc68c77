"""Clean checkouts of a commit, for what must not see anything else."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orket_pipelines.delivery.factory import Factory
from orket_pipelines.git.folders import remove
from orket_pipelines.store import failpoint, reach

CLEARED = failpoint("checkouts.cleared")
MADE = failpoint("checkouts.made")
REMOVED = failpoint("checkouts.removed")


@contextmanager
def fresh_checkout(factory: Factory, owner: str, use: str, repository: str, commit: str) -> Iterator[Path]:
    """A checkout of `commit` for one use (`test`, `deploy`), which is removed afterwards.

    `owner` is the card or rock that it is for, and whose lease the caller holds: checkouts for the same use that are
    there already were left by killed processes, of commits that nobody may come back to.
    """
    path = factory.checkout_of(owner, f"{use}-{commit[:12]}")
    for left in _left_behind(path.parent, f"{use}-"):
        remove(left)
    reach(CLEARED)
    factory.code.check_out(repository, commit, path)
    reach(MADE)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        reach(REMOVED)


def _left_behind(folder: Path, prefix: str) -> list[Path]:
    """Whole checkouts and, with a dot before their name, begun ones."""
    try:
        return [left for left in folder.iterdir() if left.name.removeprefix(".").startswith(prefix)]
    except FileNotFoundError:
        return []
