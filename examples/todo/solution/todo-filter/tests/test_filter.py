import pytest
from fastapi.testclient import TestClient

from todo.storage import Storage


@pytest.fixture(autouse=True)
def tasks(storage: Storage) -> None:
    storage.add("Buy milk")
    storage.change(storage.add("Buy stamps").id, completed=True)
    storage.add("Use 100% of the milk")


def titles(client: TestClient, **query: str) -> list[str]:
    answer = client.get("/api/tasks", params=query).json()
    assert answer["total"] == len(answer["tasks"])
    return [task["title"] for task in answer["tasks"]]


def test_open_and_completed_tasks_are_told_apart(client: TestClient) -> None:
    assert titles(client, completed="true") == ["Buy stamps"]
    assert titles(client, completed="false") == ["Buy milk", "Use 100% of the milk"]


def test_a_search_finds_part_of_a_title_in_either_case(client: TestClient) -> None:
    assert titles(client, search="MILK") == ["Buy milk", "Use 100% of the milk"]
    assert titles(client, search="letters") == []


def test_both_filters_hold_together(client: TestClient) -> None:
    assert titles(client, search="buy", completed="false") == ["Buy milk"]


def test_every_character_is_searched_for_as_it_is(client: TestClient) -> None:
    assert titles(client, search="%") == ["Use 100% of the milk"]
    assert titles(client, search="_") == []


def test_the_total_counts_what_the_filter_finds_beyond_the_page(client: TestClient) -> None:
    answer = client.get("/api/tasks", params={"search": "milk", "limit": 1}).json()
    assert (len(answer["tasks"]), answer["total"]) == (1, 2)


@pytest.mark.parametrize("query", [{"completed": "perhaps"}, {"search": ""}, {"search": "x" * 201}])
def test_a_filter_that_cannot_be_is_refused(client: TestClient, query: dict[str, str]) -> None:
    assert client.get("/api/tasks", params=query).status_code == 422
