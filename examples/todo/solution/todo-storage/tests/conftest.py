from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from todo.api import create_app
from todo.storage import Storage


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "todo.db")


@pytest.fixture
def client(storage: Storage, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a service over the same file as `storage`."""
    with TestClient(create_app(tmp_path / "todo.db")) as client:
        yield client
