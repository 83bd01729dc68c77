"""Checkouts that declare something."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.dependencies.manifests import Declared, read_manifests
from orket_pipelines.dependencies.reading import look

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A checkout with these files."""

    def files(contents: dict[str, str]) -> Path:
        checkout = tmp_path / "checkout"
        checkout.mkdir(exist_ok=True)
        for path, content in contents.items():
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_text(content)
        return checkout

    return files


@pytest.fixture
def declared(write: Write) -> Callable[[dict[str, str]], Declared]:
    """What a checkout with these files declares."""
    return lambda contents: read_manifests(look(write(contents)))
