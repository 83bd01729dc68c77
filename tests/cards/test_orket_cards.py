"""Orket's own folder of card files."""

import json
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import Card, CardState
from orket_pipelines.cards.importing import ImportReport, import_cards
from orket_pipelines.cards.records import list_cards
from orket_pipelines.store import Store

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


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name, content in {
        "core/rocks/launch": ROCK,
        "core/epics/sanity": SANITY,
        "creative/epics/lore": LORE,
        "core/teams/standard": TEAM,
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
