from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from orket_pipelines.agents.gate import Denied, judge_call
from orket_pipelines.agents.model import Purpose
from orket_pipelines.agents.models.playbook import Playbook, Scene, read_playbook
from orket_pipelines.agents.roles import get_role
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.settings import SCRIPTED
from orket_pipelines.verification import SuiteKind
from orket_pipelines.verification.suites import declared_suites
from tests.examples.replay import TODO

ENDINGS = {"coder": "request_state", "integrity_guard": "submit_review"}
STATES = {"coder": CardState.IN_PROGRESS, "integrity_guard": CardState.CODE_REVIEW}
MEANT_TO_BE_DENIED = [
    ("todo-skeleton", "write_file", "protected_path"),
    ("todo-filter", "request_state", "arguments"),
]


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook(TODO / "playbook.yaml")


def scenes(playbook: Playbook) -> Iterator[tuple[str, str, Scene]]:
    for card, roles in playbook.cards.items():
        for role, played in roles.items():
            yield from ((card, role, scene) for scene in played)


def calls(scene: Scene) -> Iterator[tuple[str, dict[str, Any]]]:
    for move in scene.turns:
        for call in move.calls:
            yield from call.items()


def test_the_cards_are_one_rock_with_an_epic_of_the_service_and_one_of_the_page(cards: dict[str, Card]) -> None:
    assert [card.id for card in cards.values() if card.kind is CardKind.ROCK] == ["todo"]
    assert [card.id for card in cards.values() if card.kind is CardKind.EPIC] == ["todo-api", "todo-page"]
    assert {card.id: card.depends_on for card in cards.values() if card.kind is CardKind.ISSUE} == {
        "todo-skeleton": (),
        "todo-serve": ("todo-skeleton",),
        "todo-storage": ("todo-skeleton",),
        "todo-create-list": ("todo-storage",),
        "todo-complete-delete": ("todo-storage",),
        "todo-filter": ("todo-complete-delete", "todo-create-list"),
        "page-skeleton": ("todo-skeleton",),
        "page-list": ("page-skeleton", "todo-create-list"),
        "page-add": ("page-list",),
        "page-complete-delete": ("page-list", "todo-complete-delete"),
        "page-filter": ("page-add", "page-complete-delete", "todo-filter"),
    }


def test_each_suite_stands_between_a_card_and_done(cards: dict[str, Card]) -> None:
    rock = cards["todo"]
    assert {suite.name: suite.kind for suite in declared_suites(rock).values()} == {
        "api": SuiteKind.HTTP,
        "page-add": SuiteKind.E2E,
        "page": SuiteKind.E2E,
    }
    assert {card.id: card.details["verified_by"] for card in cards.values() if card.details.get("verified_by")} == {
        "todo": ["api", "page"],
        "todo-filter": ["api"],
        "page-add": ["page-add"],
        "page-filter": ["page"],
    }


def test_no_agent_is_told_what_the_suites_hold(playbook: Playbook) -> None:
    """They lie beside the cards, in no repository."""
    written = {given.get("path", "") for _, _, scene in scenes(playbook) for _, given in calls(scene)}
    assert not [path for path in written if "suites" in path]


def test_every_issue_says_what_it_asks_for(cards: dict[str, Card]) -> None:
    issues = [card for card in cards.values() if card.kind is CardKind.ISSUE]
    assert all(issue.seat == "coder" for issue in issues)
    assert all(issue.details["description"] and issue.details["requirements"] for issue in issues)


def test_every_issue_is_played_and_reviewed_and_no_other(playbook: Playbook, cards: dict[str, Card]) -> None:
    assert set(playbook.cards) == {card.id for card in cards.values() if card.kind is CardKind.ISSUE}
    for card in playbook.cards:
        assert playbook.scene(card, "coder", Purpose.WORK, 1) is not None
        # A merge that moved a branch may ask for a review more often than the story needs.
        assert all(playbook.scene(card, "integrity_guard", Purpose.REVIEW, visit) for visit in range(1, 9))


def test_who_can_meet_a_conflict_knows_what_to_do(playbook: Playbook) -> None:
    played = {card for card, role, scene in scenes(playbook) if (role, scene.purpose) == ("coder", Purpose.CONFLICT)}
    assert played == {"todo-create-list", "todo-complete-delete"}


def test_only_the_author_of_what_fails_in_a_browser_knows_how_to_repair_it(playbook: Playbook) -> None:
    wanted = Purpose.VERIFICATION_FAILED
    assert {card for card, role, scene in scenes(playbook) if (role, scene.purpose) == ("coder", wanted)} == {
        "page-add"
    }


def test_every_scene_is_short_and_ends_its_session_with_its_last_call_only(playbook: Playbook) -> None:
    for card, role, scene in scenes(playbook):
        assert 2 <= len(scene.turns) <= 8
        assert all(move.say for move in scene.turns)
        *before, (last, _) = calls(scene)
        assert last == ENDINGS[role]
        denied = [tool for where, tool, _ in MEANT_TO_BE_DENIED if where == card]
        assert [tool for tool, _ in before if tool == ENDINGS[role]] in ([], denied)


def test_the_gate_denies_what_the_story_wants_denied_and_nothing_else(playbook: Playbook) -> None:
    judged = [
        (card, tool, judge_call(get_role(role), STATES[role], tool, given))
        for card, role, scene in scenes(playbook)
        for tool, given in calls(scene)
    ]
    denied = [(card, tool, verdict.rule) for card, tool, verdict in judged if isinstance(verdict, Denied)]
    assert denied == MEANT_TO_BE_DENIED


def test_every_solution_file_is_used(playbook: Playbook) -> None:
    written = yaml.safe_load((TODO / "playbook.yaml").read_text())
    named = {
        value
        for _, _, scene in scenes(Playbook.model_validate(written))
        for _, given in calls(scene)
        for argument, value in given.items()
        if argument.endswith("_from")
    }
    assert named == {path.relative_to(TODO / "solution").as_posix() for path in solution_files()}


def test_no_delivered_file_holds_a_conflict_marker() -> None:
    assert not [path for path in solution_files() if "<<<<<<<" in path.read_text()]


def test_the_example_says_that_its_model_is_scripted() -> None:
    readme = (TODO / "README.md").read_text()
    assert SCRIPTED in readme
    assert "not a language model" in readme


def solution_files() -> list[Path]:
    found = (TODO / "solution").rglob("*")
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]
