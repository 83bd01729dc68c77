import pytest
from fastapi.testclient import TestClient

from todo.storage import Storage


def test_a_created_task_is_answered_and_kept(client: TestClient, storage: Storage) -> None:
    answer = client.post("/api/tasks", json={"title": "Buy milk"})
    assert answer.status_code == 201
    task = answer.json()
    assert (task["title"], task["completed"]) == ("Buy milk", False)
    assert storage.get(task["id"]).title == "Buy milk"


def test_blanks_around_a_title_are_removed(client: TestClient) -> None:
    assert client.post("/api/tasks", json={"title": "  Buy milk "}).json()["title"] == "Buy milk"


@pytest.mark.parametrize(
    "body",
    [{}, {"title": ""}, {"title": "   "}, {"title": "x" * 201}, {"title": 7}, {"title": "x", "id": 3}, [], None],
)
def test_what_is_not_a_task_is_refused(client: TestClient, storage: Storage, body: object) -> None:
    assert client.post("/api/tasks", json=body).status_code == 422
    assert storage.count() == 0


@pytest.mark.parametrize("body", [b'{"title": "Buy \\ud83d"}', b'{"\\ud83d": 1}', b'{"title":', b"\xff"])
def test_what_is_hardly_json_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/tasks", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["detail"]


def test_tasks_are_listed_oldest_first(client: TestClient, storage: Storage) -> None:
    storage.add("Buy milk")
    storage.add("Answer letters")
    tasks = client.get("/api/tasks").json()["tasks"]
    assert [task["title"] for task in tasks] == ["Buy milk", "Answer letters"]
