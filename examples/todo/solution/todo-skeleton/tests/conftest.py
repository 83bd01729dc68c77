from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from todo.api import create_app


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A client of a service with a database of its own."""
    with TestClient(create_app(tmp_path / "todo.db")) as client:
        yield client
