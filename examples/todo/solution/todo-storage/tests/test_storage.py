from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from todo.storage import Storage, TaskNotFound


def test_a_new_task_is_not_completed(storage: Storage) -> None:
    task = storage.add("Buy milk")
    assert (task.title, task.completed) == ("Buy milk", False)
    assert datetime.now(UTC) - task.created_at < timedelta(minutes=1)


def test_tasks_survive_a_restart(storage: Storage, tmp_path: Path) -> None:
    task = storage.add("Buy milk")
    assert Storage(tmp_path / "todo.db").get(task.id) == task


def test_the_folder_of_the_database_is_made(tmp_path: Path) -> None:
    assert Storage(tmp_path / "new" / "folder" / "todo.db").tasks() == []


def test_tasks_come_oldest_first(storage: Storage) -> None:
    added = [storage.add(title) for title in ("Buy milk", "Answer letters", "Call home")]
    assert storage.tasks() == added
    assert storage.count() == 3


def test_a_change_leaves_the_rest_as_it_was(storage: Storage) -> None:
    task = storage.change(storage.add("Buy milk").id, completed=True)
    renamed = storage.change(task.id, title="Buy oat milk")
    assert (renamed.title, renamed.completed) == ("Buy oat milk", True)


def test_an_id_is_never_given_out_twice(storage: Storage) -> None:
    first = storage.add("Buy milk")
    storage.remove(first.id)
    assert storage.add("Answer letters").id > first.id


def test_an_unknown_task_is_an_error(storage: Storage) -> None:
    with pytest.raises(TaskNotFound, match="There is no task 7"):
        storage.get(7)
    with pytest.raises(TaskNotFound):
        storage.change(7, completed=True)


def test_one_task_is_served(client: TestClient, storage: Storage) -> None:
    task = storage.add("Buy milk")
    answer = client.get(f"/api/tasks/{task.id}")
    assert answer.status_code == 200
    assert answer.json() == task.model_dump(mode="json")


def test_an_unknown_task_is_answered_with_404_and_the_reason(client: TestClient) -> None:
    answer = client.get("/api/tasks/7")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is no task 7."}


@pytest.mark.parametrize("task_id", ["0", "-1", "milk", str(2**63)])
def test_what_cannot_be_an_id_is_answered_with_422(client: TestClient, task_id: str) -> None:
    assert client.get(f"/api/tasks/{task_id}").status_code == 422


def test_the_health_of_the_service_includes_its_database(client: TestClient, storage: Storage) -> None:
    storage.add("Buy milk")
    assert client.get("/api/health").json() == {"status": "ok", "tasks": 1}
