import pytest
from fastapi.testclient import TestClient

from todo.storage import Storage


@pytest.fixture
def sixty(storage: Storage) -> None:
    for number in range(1, 61):
        storage.add(f"Task {number}")


def titles(client: TestClient, query: str) -> list[str]:
    return [task["title"] for task in client.get(f"/api/tasks{query}").json()["tasks"]]


@pytest.mark.usefixtures("sixty")
def test_fifty_tasks_come_unless_asked_otherwise_and_all_are_counted(client: TestClient) -> None:
    answer = client.get("/api/tasks").json()
    assert len(answer["tasks"]) == 50
    assert answer["total"] == 60


@pytest.mark.usefixtures("sixty")
def test_a_page_begins_after_its_offset(client: TestClient) -> None:
    assert titles(client, "?limit=2&offset=10") == ["Task 11", "Task 12"]
    assert titles(client, "?limit=2&offset=59") == ["Task 60"]
    assert titles(client, "?offset=60") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=all", "offset=-1", f"offset={2**63}"])
def test_a_page_that_cannot_be_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/tasks?{query}").status_code == 422
