"""Orket's own folder of card files."""

import json
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import Card, CardState
from orket_pipelines.cards.importing import ImportReport, import_cards
from orket_pipelines.cards.records import list_cards
from orket_pipelines.store import Store

pytestmark = pytest.mark.slow

SEATS = frozenset({"coder", "integrity_guard"})
ROCK = {
    "name": "Core Launch",
    "description": "The milestone.",
    "status": "in_progress",
    "owner_department": "core",
    "epics": [{"department": "core", "epic": "sanity"}, {"epic": "lore", "department": "creative"}],
}
SANITY = {
    "id": "SANITY-01",
    "name": "Sanity Test",
    "type": "epic",
    "status": "ready",
    "team": "standard",
    "environment": "standard",
    "architecture_governance": {"idesign": False, "pattern": "Tactical"},
    "stories": [
        {"id": "SN-001", "summary": "Receipt", "seat": "Senior Developer", "priority": "High", "note": "Write it."},
        {"summary": "Check it", "seat": "coder", "depends_on": ["SN-001"]},
    ],
}
LORE = {"name": "lore", "team": "guild", "environment": "standard", "cards": [{"summary": "Ship", "seat": "coder"}]}
TEAM = {"name": "standard", "seats": {"senior_developer": {"name": "Senior Developer", "roles": ["wizard", "coder"]}}}
GUILD = {"name": "guild", "seats": {"coder": {"name": "Coder", "roles": ["coder"]}}}
VENUE = {"name": "standard", "description": "A laptop.", "model": "local", "temperature": 0.2, "seed": 42, "params": {}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name, content in {
        "core/rocks/launch": ROCK,
        "core/epics/sanity": SANITY,
        "creative/epics/lore": LORE,
        "core/teams/standard": TEAM,
        "creative/teams/guild": GUILD,
        "core/environments/standard": VENUE,
    }.items():
        write(folder, name, content)
    return folder


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What a file says does not depend on the database."""
    return f"sqlite:///{tmp_path / 'orket.db'}"


def write(model: Path, name: str, content: Any) -> None:
    path = model / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def load(store: Store, path: Path) -> ImportReport:
    return import_cards(store, [path], seats=SEATS)


def cards(store: Store) -> dict[str, Card]:
    with store.read() as tx:
        return {card.id: card for card in list_cards(tx)}


def problems(report: ImportReport, model: Path) -> list[str]:
    return [str(problem).removeprefix(f"{model}/") for problem in report.problems]


def test_rocks_are_read_with_their_epics_in_whatever_department(store: Store, model: Path) -> None:
    report = load(store, model)

    assert report.problems == ()
    found = cards(store)
    assert list(found) == [
        "core-launch",
        "sanity-01",
        "sn-001",
        "sanity-01-check-it",
        "core-launch-lore",
        "core-launch-lore-ship",
    ]
    receipt = found["sn-001"]
    assert (receipt.name, receipt.priority, receipt.seat, receipt.note) == ("Receipt", 3.0, "coder", "Write it.")
    assert receipt.details["description"] == "Write it."
    assert receipt.source == f"{model}/core/epics/sanity.json#stories[0]"
    assert found["sanity-01-check-it"].depends_on == ("sn-001",)
    assert found["core-launch"].state is CardState.IN_PROGRESS
    assert found["sanity-01"].details["architecture_governance"]["pattern"] == "Tactical"
    assert (found["sanity-01"].details["department"], found["core-launch-lore"].details["department"]) == (
        "core",
        "creative",
    )


@pytest.mark.parametrize("path", [".", "model", "model/core/rocks/launch.json"])
def test_the_folder_of_the_model_its_parent_and_a_rocks_file_are_all_the_same(
    store: Store, model: Path, path: str
) -> None:
    assert len(load(store, model.parent / path).created) == 6
    assert len(load(store, model).unchanged) == 6


def test_a_missing_epic_is_named_and_the_others_load(store: Store, model: Path) -> None:
    write(model, "core/rocks/launch", ROCK | {"epics": [{"epic": "gone", "department": "core"}, *ROCK["epics"]]})
    report = load(store, model)

    assert problems(report, model) == ["core/rocks/launch.json: epics[0]: there is no epic 'gone'"]
    assert report.problems[0].fix == f"Write it to {model}/core/epics/gone.json."
    assert len(report.created) == 6


@pytest.mark.parametrize("name", ["../../secret", "..", "a/b", "a\\b"])
def test_an_epic_cannot_be_a_path(store: Store, model: Path, name: str) -> None:
    write(model, "core/rocks/launch", ROCK | {"epics": [{"epic": name, "department": "core"}]})

    assert problems(load(store, model), model) == [
        "core/rocks/launch.json: epics[0]: an epic and its department are names, not paths"
    ]


def test_an_epic_of_two_rocks_stays_with_the_first(store: Store, model: Path) -> None:
    write(model, "core/rocks/other", ROCK | {"name": "Other", "epics": ROCK["epics"][:1]})

    assert problems(load(store, model), model) == [
        f"core/rocks/other.json: epics[0]: sanity is part of {model}/core/rocks/launch.json already"
    ]
    assert cards(store)["sn-001"].rock_id == "core-launch"


def test_legacy_fields_are_told_with_the_fix(store: Store, model: Path) -> None:
    write(model, "core/roles/coder", {"name": "coder", "skills": ["x"]})
    write(model, "core/teams/old", {"name": "old", "seats": {"a": {"skills": ["x"]}, "b": {"roles": ["coder"]}}})
    write(model, "creative/epics/lore", LORE | {"tracs": []})
    report = load(store, model)

    assert problems(report, model) == [
        "core/teams/old.json: seats.a.skills: is a legacy field",
        "core/roles/coder.json: skills: is a legacy field",
        "creative/epics/lore.json: tracs: is a legacy field",
    ]
    assert report.problems[2].fix == "`tracs` is a legacy field: rename it to `issues`."
    assert "rename it" in report.problems[0].fix


def test_a_seat_that_no_role_of_ours_sits_on_is_named(store: Store, model: Path) -> None:
    write(model, "core/teams/standard", {"name": "standard", "seats": {"senior_developer": {"roles": ["wizard"]}}})
    report = load(store, model)

    assert problems(report, model) == [
        "core/epics/sanity.json: stories[0].seat: no role is called 'Senior Developer' (its team seats wizard there)",
        "core/epics/sanity.json: stories[1].depends_on[0]: depends on 'SN-001', which cannot be loaded",
    ]
    assert report.problems[0].fix == "Seats: coder, integrity_guard."


def test_a_broken_file_is_named_and_other_rocks_load(store: Store, model: Path) -> None:
    (model / "core/rocks/bad.json").write_text("{,}")
    write(model, "core/rocks/odd", {"name": "Odd", "status": "active", "epics": []})
    report = load(store, model)

    told = problems(report, model)
    assert told[0].startswith("core/rocks/bad.json: line 1, column 2:")
    assert told[1].startswith("core/rocks/odd.json: status: 'active' is not one of 'ready'")
    assert len(report.created) == 6


def test_a_card_without_an_id_gets_the_same_one_on_every_load(store: Store, model: Path) -> None:
    load(store, model)
    report = load(store, model)

    assert (report.created, report.changed, len(report.unchanged)) == ((), (), 6)


def test_a_team_and_an_environment_that_nobody_wrote_are_named_and_the_epic_loads(store: Store, model: Path) -> None:
    write(model, "creative/epics/lore", LORE | {"team": "band", "environment": "cloud"})
    report = load(store, model)

    assert [(str(problem).removeprefix(f"{model}/"), problem.fix) for problem in report.problems] == [
        (
            "creative/epics/lore.json: team: there is no team 'band'",
            f"Write it to {model}/creative/teams/band.json.",
        ),
        (
            "creative/epics/lore.json: environment: there is no environment 'cloud'",
            f"Write it to {model}/creative/environments/cloud.json.",
        ),
    ]
    assert len(report.created) == 6


def test_a_broken_environment_is_told_once_at_its_own_file(store: Store, model: Path) -> None:
    write(model, "core/environments/standard", {"name": "standard", "temprature": 0.2})
    report = load(store, model)

    assert problems(report, model) == [
        "core/environments/standard.json: model: is missing",
        "core/environments/standard.json: temprature: there is no such field; did you mean 'temperature'?",
    ]
    assert len(report.created) == 6


def test_everything_that_orket_says_of_a_card_is_kept(store: Store, model: Path) -> None:
    issue = {
        "id": "ALL-1",
        "summary": "All of it",
        "type": "issue",
        "status": "blocked",
        "wait_reason": "input",
        "description": "What.",
        "priority": "2.5",
        "note": "How.",
        "build_id": "build-7",
        "owner_department": "core",
        "labels": ["a"],
        "params": {"depth": {"of": [1, None]}},
        "references": ["README.md"],
        "seat": "coder",
        "assignee": "ann",
        "sprint": "Q1 S2",
        "requirements": "Must.",
        "depends_on": [],
        "retry_count": 1,
        "max_retries": 3,
        "verification": {
            "verification_fixture": "checks/all.py",
            "scenarios": [{"id": "s1", "description": "It adds.", "input_data": {"a": 1}, "expected_output": 2}],
            "last_verification": {"passed": 1},
        },
        "metrics": {"score": 8.5, "grade": "Shippable", "criteria_scores": {"tests": 9}, "path_delta": 0.5},
    }
    lesson = {"date": "2026-01-31", "category": "tests", "observation": "Late.", "action_item": "Earlier."}
    epic = SANITY | {"iterations": 3, "handshake_enabled": True, "example_task": "Add.", "lessons_learned": [lesson]}
    write(model, "core/epics/sanity", epic | {"requirements": "All.", "stories": [issue]})
    write(model, "core/rocks/launch", ROCK | {"task": "Launch.", "metrics": {"score": 1}, "lessons_learned": [lesson]})
    assert load(store, model).problems == ()

    found = cards(store)
    rock, epic_card, card = found["core-launch"], found["sanity-01"], found["all-1"]
    assert (card.state, card.wait_reason, card.note, card.priority) == ("blocked", "input", "How.", 2.5)
    assert card.details["params"] == {"depth": {"of": [1, None]}}
    assert (card.details["assignee"], card.details["sprint"]) == ("ann", "Q1 S2")
    assert (card.details["build_id"], card.details["max_retries"]) == ("build-7", 3)
    assert card.details["verification"]["fixture_path"] == "checks/all.py"
    assert card.details["verification"]["last_run"] == {"passed": 1}
    assert card.details["metrics"]["grade"] == "Shippable"
    assert card.details["metrics"]["criteria"] == {"tests": 9}
    assert (epic_card.details["iterations"], epic_card.details["environment"]) == (3, "standard")
    assert epic_card.details["lessons_learned"][0]["action_item"] == "Earlier."
    assert (rock.details["task"], rock.details["metrics"]["shippability_threshold"]) == ("Launch.", 7.0)
    assert rock.details["lessons_learned"][0]["sentiment"] == "negative"
