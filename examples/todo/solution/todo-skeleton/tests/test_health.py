from fastapi.testclient import TestClient


def test_the_service_answers(client: TestClient) -> None:
    answer = client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_what_does_not_exist_is_answered_in_json(client: TestClient) -> None:
    answer = client.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not Found"}
