"""Teams: who sits where, and with which model."""

import json
from pathlib import Path
from typing import Any

from orket_pipelines.cards.importing import Reading, read_cards
from orket_pipelines.cards.model import Card

SEATS = frozenset({"coder", "ux_artisan", "integrity_guard"})
WEB = {
    "seats": {
        "Page Builder": {"roles": ["wizard", "ux_artisan"], "model": "small"},
        "judge": {"roles": ["integrity_guard"], "model": "big"},
        "helper": {"roles": ["coder"]},
    }
}


def read(folder: Path, *issues: dict[str, Any], team: str = "web", **rock: Any) -> Reading:
    """A rock with the team `web`, and an epic of `team` with these issues."""
    epic = {"id": "e", "name": "Epic", "team": team, "issues": list(issues)}
    node = {"id": "r", "name": "Rock", "teams": {"web": WEB}, "epics": [epic], **rock}
    (folder / "rock.json").write_text(json.dumps({"rock": node}))
    return read_cards([folder / "rock.json"], seats=SEATS)


def issues_of(reading: Reading) -> list[Card]:
    return [card for plan in reading.plans for card in plan.cards if card.id.startswith("i")]


def test_a_team_seats_roles_and_names_their_models(tmp_path: Path) -> None:
    found = read(tmp_path, {"id": "i", "name": "A page", "seat": "page builder"})
    (card,) = issues_of(found)
    assert found.problems == ()
    assert card.seat == "ux_artisan"
    assert card.details["params"] == {"models": {"ux_artisan": "small", "integrity_guard": "big"}}


def test_what_an_issue_says_of_models_itself_counts(tmp_path: Path) -> None:
    params = {"model": "other", "models": {"integrity_guard": "mine"}}
    (card,) = issues_of(read(tmp_path, {"id": "i", "name": "A page", "seat": "helper", "params": params}))
    assert card.seat == "coder"
    assert card.details["params"] == {
        "model": "other",
        "models": {"ux_artisan": "small", "integrity_guard": "mine"},
    }


def test_an_epic_of_a_team_that_the_rock_does_not_have_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, {"id": "i", "name": "A page"}, team="wep")
    assert [(problem.path, problem.message, problem.fix) for problem in found.problems] == [
        ("rock.epics[0].team", "there is no team 'wep'", "Teams: web.")
    ]
    assert [card.details["params"] for card in issues_of(found)] == [{}]


def test_a_rock_without_teams_may_name_one_all_the_same(tmp_path: Path) -> None:
    found = read(tmp_path, {"id": "i", "name": "A page"}, teams={})
    assert found.problems == ()


def test_a_wrong_seat_is_named_by_the_path_to_it(tmp_path: Path) -> None:
    found = read(tmp_path, teams={"web": {"seats": {"judge": {"role": "integrity_guard"}}}})
    assert [problem.path for problem in found.problems] == ["rock.teams.web.seats.judge.role"]


def test_a_team_of_orkets_layout_may_name_models_too(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "rocks/launch": {"id": "r", "name": "Launch", "epics": [{"epic": "site"}]},
        "epics/site": {"name": "Site", "team": "web", "issues": [{"id": "i", "summary": "A page", "seat": "judge"}]},
        "teams/web": {"name": "web", **WEB},
    }
    for name, content in files.items():
        path = tmp_path / "model" / "core" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    (card,) = issues_of(read_cards([tmp_path / "model"], seats=SEATS))
    assert card.seat == "integrity_guard"
    assert card.details["params"]["models"] == {"ux_artisan": "small", "integrity_guard": "big"}
