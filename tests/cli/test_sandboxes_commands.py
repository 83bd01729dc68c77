"""`orket sandboxes` as a person and as a program type it."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from orket_pipelines.sandboxes import Deployment, MemorySandboxes, Sandbox
from orket_pipelines.store import Store

pytestmark = pytest.mark.slow

Orket = Callable[..., Any]
Asked = Callable[..., Any]


@pytest.fixture
def todo(opened: Store, home: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """As the store tells it, the rock `todo` runs on processes, and `broken` left a log and does not run."""
    monkeypatch.setenv("ORKET_ISOLATION", "process")
    sandboxes = MemorySandboxes(opened, {"c2": "api ended with code 3\nno database"}, isolation="process")
    broken = sandboxes.deploy(Deployment("broken", "broken", "c2", Path()), stop=threading.Event())
    logs = home / "sandboxes" / "default" / broken.id / "1" / "logs"
    logs.mkdir(parents=True)
    (logs / "api.log").write_text("began\nno database\n")
    return sandboxes.deploy(Deployment("todo", "todo", "c1", Path()), stop=threading.Event())


def test_without_a_sandbox_the_list_says_what_makes_one(orket: Orket) -> None:
    assert "orket rocks deliver" in orket("sandboxes", "list").output


def test_the_list_shows_state_and_address(orket: Orket, asked: Asked, todo: Sandbox) -> None:
    output = orket("sandboxes", "list").output
    assert todo.url is not None
    assert todo.url in output
    assert "api ended with code 3" in output
    assert [(each["rock_id"], each["state"]) for each in asked("sandboxes", "list")] == [
        ("broken", "failed"),
        ("todo", "running"),
    ]


def test_one_is_shown_by_its_rock_or_its_id(orket: Orket, asked: Asked, todo: Sandbox) -> None:
    assert asked("sandboxes", "show", "todo")["urls"] == asked("sandboxes", "show", todo.id)["urls"] == todo.urls
    assert "no database" in orket("sandboxes", "show", "broken").output
    assert "up in the last 24 hours: 100.0% of what is known; unknown: " in orket("sandboxes", "show", "todo").output
    missing = orket("sandboxes", "show", "nothing")
    assert missing.exit_code == 1
    assert "orket sandboxes list" in missing.output


def test_logs_are_by_service(orket: Orket, asked: Asked, todo: Sandbox) -> None:
    assert asked("sandboxes", "logs", "broken") == {"api": "began\nno database"}
    assert asked("sandboxes", "logs", "broken", "--service", "api", "--tail", 1) == {"api": "no database"}
    unknown = orket("sandboxes", "logs", "broken", "--service", "web")
    assert unknown.exit_code == 1
    assert "there are of api" in unknown.output


def test_one_is_stopped_and_removed(orket: Orket, asked: Asked, todo: Sandbox) -> None:
    assert asked("sandboxes", "stop", "todo")["state"] == "stopped"
    assert [each["state"] for each in asked("sandboxes", "down", "todo")["removed"]] == ["deleted"]
    assert orket("sandboxes", "stop", "todo").exit_code == 1


def test_all_are_removed_at_once_and_then_there_is_none(orket: Orket, asked: Asked, todo: Sandbox) -> None:
    assert len(asked("sandboxes", "down", "--all")["removed"]) == 2
    assert "There is no sandbox to remove." in orket("sandboxes", "down", "--all").output


def test_down_without_a_name_is_used_wrongly(orket: Orket, todo: Sandbox) -> None:
    assert orket("sandboxes", "down").exit_code == 2
    assert orket("sandboxes", "down", "todo", "--all").exit_code == 2


def test_following_ends_with_the_sandbox_and_tells_programs_line_by_line(orket: Orket, todo: Sandbox) -> None:
    orket("sandboxes", "down", "broken")
    assert orket("sandboxes", "logs", "broken", "--follow").exit_code == 0


def test_a_diagnosis_says_what_is_wrong_and_what_to_do_and_ends_with_one(orket: Orket, todo: Sandbox) -> None:
    told = orket("sandboxes", "diagnose", "broken")
    assert told.exit_code == 1
    assert "broken: api ended with code 3\n  | no database\n  do: Mend it in the repository" in told.output
    assert json.loads(orket("sandboxes", "diagnose", "broken", "--json").stdout)["findings"][0]["lines"] == [
        "no database"
    ]


def test_the_services_of_one_that_runs_are_looked_at_closely(orket: Orket, todo: Sandbox) -> None:
    """As the store tells it, it runs; as its handles tell, nothing was ever started."""
    assert "nothing is known of its services" in orket("sandboxes", "diagnose", "todo").output


def test_what_is_deployed_is_exported_for_people(orket: Orket, todo: Sandbox, home: Path) -> None:
    missing = orket("sandboxes", "compose", "todo")
    assert missing.exit_code == 1
    assert "orket detect PATH --compose" in missing.output
    files = home / "sandboxes" / "default" / todo.id / "1" / "source"
    files.mkdir(parents=True)
    services = yaml.safe_load(orket("sandboxes", "compose", "todo").stdout)["services"]
    assert set(services) == {"app_prepare", "app"}
    assert services["app_prepare"]["volumes"][0]["source"] == str(files)
    assert orket("sandboxes", "compose", "broken").exit_code == 1


def test_presets_are_listed_and_one_is_printed(orket: Orket, asked: Asked) -> None:
    assert "fastapi-vue-mongo" in asked("sandboxes", "presets")
    assert "A page in Vue, built by Vite" in orket("sandboxes", "presets").output
    assert yaml.safe_load(orket("sandboxes", "presets", "fastapi-vue-mongo").stdout)["front"] == "web"
    assert orket("sandboxes", "presets", "nothing").exit_code == 1


def test_a_folder_runs_and_the_same_files_are_left_alone(orket: Orket, asked: Asked, home: Path) -> None:
    page = home.parent / "My page"
    page.mkdir()
    (page / "index.html").write_text("one")
    first = asked("sandboxes", "up", page)
    assert (first["rock_id"], first["state"], first["generation"]) == ("My-page", "running", 1)
    assert asked("sandboxes", "up", page)["generation"] == 1
    (page / "index.html").write_text("two")
    told = orket("sandboxes", "up", page)
    assert "waiting until all of them answer" in told.output
    assert "My-page runs: http://127.0.0.1:" in told.output
    assert asked("sandboxes", "show", "My-page")["generation"] == 2
    assert orket("sandboxes", "down", "My-page").exit_code == 0


def test_a_folder_that_does_not_start_says_why_and_ends_with_one(orket: Orket, home: Path) -> None:
    broken = home.parent / "broken"
    broken.mkdir()
    service = {"kind": "web", "start": ["python3", "-c", "raise SystemExit('no database')"]}
    (broken / "orket.yaml").write_text(json.dumps({"services": {"api": service}}))
    told = orket("sandboxes", "up", broken)
    assert told.exit_code == 1
    assert "no database" in told.output
    assert f"next: Mend it, then: orket sandboxes up {broken}" in told.output


def test_a_rock_s_sandbox_is_not_taken_by_a_folder(orket: Orket, home: Path) -> None:
    cards = home.parent / "cards.yaml"
    cards.write_text("rock: {id: page, name: Page, description: One., task: Build it., epics: []}")
    assert orket("cards", "import", cards).exit_code == 0
    (home.parent / "page").mkdir()
    told = orket("sandboxes", "up", home.parent / "page")
    assert told.exit_code == 1
    assert "page is a rock, and its sandbox shows what was merged" in told.output


def test_what_is_no_folder_or_has_no_name_is_said(orket: Orket, home: Path) -> None:
    assert "it is no folder" in orket("sandboxes", "up", home.parent / "nothing").output
    assert "--name NAME" in orket("sandboxes", "up", home.parent, "--name", "a b").output
