"""Clean checkouts of a commit, for what must not see anything else."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orket_pipelines.delivery.factory import Factory


@contextmanager
def fresh_checkout(factory: Factory, owner: str, name: str, repository: str, commit: str) -> Iterator[Path]:
    """A checkout of `commit`, which is removed afterwards. `owner` is the card or rock that it is for."""
    path = factory.checkout_of(owner, name)
    factory.code.check_out(repository, commit, path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
