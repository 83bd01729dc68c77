import pytest
from fastapi.testclient import TestClient

from todo.storage import Storage


def test_a_task_is_completed_and_opened_again(client: TestClient, storage: Storage) -> None:
    task = storage.add("Buy milk")
    answer = client.patch(f"/api/tasks/{task.id}", json={"completed": True})
    assert answer.status_code == 200
    assert answer.json()["completed"] is True
    assert client.patch(f"/api/tasks/{task.id}", json={"completed": False}).json()["completed"] is False


def test_a_new_title_leaves_a_completed_task_completed(client: TestClient, storage: Storage) -> None:
    task = storage.change(storage.add("Buy milk").id, completed=True)
    changed = client.patch(f"/api/tasks/{task.id}", json={"title": "Buy oat milk"}).json()
    assert (changed["title"], changed["completed"]) == ("Buy oat milk", True)


@pytest.mark.parametrize("body", [{"title": ""}, {"completed": "perhaps"}, {"id": 3}, []])
def test_what_is_not_a_change_is_refused(client: TestClient, storage: Storage, body: object) -> None:
    task = storage.add("Buy milk")
    assert client.patch(f"/api/tasks/{task.id}", json=body).status_code == 422
    assert storage.get(task.id) == task


def test_a_deleted_task_is_gone(client: TestClient, storage: Storage) -> None:
    task = storage.add("Buy milk")
    answer = client.delete(f"/api/tasks/{task.id}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"/api/tasks/{task.id}").status_code == 404


def test_a_change_to_an_unknown_task_is_answered_with_404(client: TestClient) -> None:
    assert client.patch("/api/tasks/7", json={"completed": True}).status_code == 404


def test_deleting_an_unknown_task_is_answered_with_404(client: TestClient) -> None:
    assert client.delete("/api/tasks/7").status_code == 404
