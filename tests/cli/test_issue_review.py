"""`orket issues review`: a person beside the reviewers that are agents."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Orket

pytestmark = pytest.mark.slow

CARDS = {
    "rock": {
        "id": "quay",
        "name": "A quay",
        "task": "Build it.",
        "params": {"test_command": ["echo", "1 passed"]},
        "epics": [{"name": "All", "description": "All of it.", "issues": [{"id": "wall", "name": "A wall"}]}],
    }
}
READY = {"request_state": {"state": "ready_for_testing", "summary": "built"}}
APPROVE = {"submit_review": {"verdict": "approve", "body": "good"}}


def scene(purpose: str, *calls: dict[str, Any]) -> dict[str, Any]:
    return {"purpose": purpose, "turns": [{"calls": list(calls)}]}


def write(content: str) -> dict[str, Any]:
    return {"write_file": {"path": "wall.txt", "content": content}}


PLAYBOOK = {
    "cards": {
        "wall": {
            "coder": [scene("work", write("stone"), READY), scene("changes_requested", write("brick"), READY)],
            "technical_reviewer": [scene("review", APPROVE)],
            "integrity_guard": [scene("review", APPROVE)],
        }
    }
}


@pytest.fixture
def waiting(orket: Orket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall has two approvals and needs a third."""
    (tmp_path / "quay.yaml").write_text(yaml.safe_dump(CARDS))
    playbook = tmp_path / "playbooks" / "quay" / "playbook.yaml"
    playbook.parent.mkdir(parents=True)
    playbook.write_text(yaml.safe_dump(PLAYBOOK))
    monkeypatch.setenv("ORKET_PLAYBOOKS", str(tmp_path / "playbooks"))
    monkeypatch.setenv("ORKET_REVIEWERS", "technical_reviewer,integrity_guard")
    monkeypatch.setenv("ORKET_REQUIRED_APPROVALS", "3")
    assert orket("cards", "import", tmp_path / "quay.yaml").exit_code == 0
    delivered = orket("issues", "deliver", "wall")
    assert delivered.exit_code == 1
    assert "wall waits for review: pull request 1 still needs the approval of a person" in delivered.stdout
    assert "next: Review it: orket issues review wall --approve" in delivered.stderr


@pytest.mark.usefixtures("waiting")
def test_the_approval_of_a_person_lets_the_issue_be_merged(orket: Orket, asked: Callable[..., Any]) -> None:
    told = asked("issues", "review", "wall", "--approve", "--as", "ada")
    assert (told["reviewer"], told["verdict"], told["pull_request"], told["resumed"]) == ("ada", "approved", 1, True)
    assert orket("issues", "deliver", "wall").exit_code == 0
    said = asked("sql", "SELECT reviewer, verdict, holds FROM standing_reviews ORDER BY reviewer")
    reviewers = ("ada", "integrity_guard", "technical_reviewer")
    assert said == [{"reviewer": name, "verdict": "approved", "holds": True} for name in reviewers]


@pytest.mark.usefixtures("waiting")
def test_a_person_who_asks_for_changes_says_which_and_gets_them(orket: Orket) -> None:
    without = orket("issues", "review", "wall", "--request-changes", "--as", "ada")
    assert without.exit_code == 1
    assert "needs a body" in without.stderr
    told = orket("issues", "review", "wall", "--request-changes", "--as", "ada", "--body", "Brick, please.")
    assert told.stdout.startswith("ada requested changes of pull request #1 of wall, at commit ")
    assert "Carry on: orket issues deliver wall" in told.stdout
    delivered = orket("issues", "deliver", "wall")
    assert "wall: ada changes requested: Brick, please." in delivered.stdout
    assert "wall waits for review" in delivered.stdout


@pytest.mark.usefixtures("waiting")
def test_a_person_needs_a_name_that_is_no_role_s_and_a_decision(orket: Orket) -> None:
    refused = orket("issues", "review", "wall", "--approve", "--as", "integrity_guard", "--json")
    assert refused.exit_code == 1
    assert "no person's" in json.loads(refused.stderr or refused.stdout)["error"]
    assert orket("issues", "review", "wall").exit_code == 2
