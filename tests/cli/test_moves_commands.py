"""`orket cards rules` and `orket cards move`."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orket_pipelines.cards import Card, CardKind
from orket_pipelines.cards.diagrams import draw_diagrams
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.policy import list_violations
from orket_pipelines.store import Store
from tests.cli.conftest import Orket

TREE = [
    Card("list", CardKind.ROCK, "A list", rock_id="list"),
    Card("service", CardKind.EPIC, "Service", parent_id="list", rock_id="list"),
    Card("storage", CardKind.ISSUE, "Storage", parent_id="service", rock_id="list"),
]


@pytest.fixture
def tree(opened: Store) -> Store:
    with opened.write() as tx:
        insert_cards(tx, TREE)
    return opened


def test_the_rules_are_printed_row_by_row(orket: Orket) -> None:
    told = orket("cards", "rules").stdout
    assert len([line for line in told.splitlines() if line.startswith(("issue,", "epic ", "rock "))]) == 17 + 7 + 4
    assert "integrity_guard; system on the approval of integrity_guard" in told
    assert "Wait reasons: resource, dependency, review, input, system." in told


def test_the_rules_are_drawn_and_told_to_programs(orket: Orket, asked: Callable[..., Any]) -> None:
    assert orket("cards", "rules", "--mermaid").stdout == f"{draw_diagrams()}\n"
    assert asked("cards", "rules", "--mermaid") == {"mermaid": draw_diagrams()}
    assert len(asked("cards", "rules")["moves"]) == 3 * 17 + 7 + 4


@pytest.mark.usefixtures("tree")
def test_a_card_is_moved_by_hand_and_its_parents_follow(orket: Orket, asked: Callable[..., Any]) -> None:
    moved = orket("cards", "move", "storage", "in_progress", "--as", "coder")
    assert moved.stdout.splitlines() == [
        "list: ready → in_progress",
        "service: ready → in_progress",
        "storage: ready → in_progress",
    ]
    waits = ("--reason", "input", "--note", "Which database?")
    told = asked("cards", "move", "storage", "blocked", "--as", "coder", *waits)
    assert (told["state"], told["wait_reason"], told["note"]) == ("blocked", "input", "Which database?")


def test_a_refused_move_says_why_and_is_on_record(orket: Orket, tree: Store) -> None:
    refused = orket("cards", "move", "storage", "canceled", "--as", "coder")
    assert refused.exit_code == 1
    assert "coder may not cancel storage" in refused.stderr
    assert "next: Ask the role project_manager to cancel it." in refused.stderr
    with tree.read() as tx:
        assert [found.rule for found in list_violations(tx)] == ["cancel_needs_manager"]
    refused = orket("cards", "move", "storage", "done", "--as", "coder", "--json")
    assert json.loads(refused.stderr)["next"] == "From ready it may go to: canceled, in_progress."


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("storage", "finished", "--as", "coder"), "'finished' is not a state"),
        (("storage", "blocked", "--as", "coder", "--reason", "rain"), "'rain' is not a wait reason"),
        (("storage", "done", "--as", "system"), "'system' is not a role in which a person decides"),
    ],
)
def test_what_no_rule_knows_is_used_wrongly(orket: Orket, words: tuple[str, ...], told: str) -> None:
    done = orket("cards", "move", *words)
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.replace("│", " ").split())


def test_a_card_that_is_not_there_is_named(orket: Orket) -> None:
    assert "there is no card 'nobody'" in orket("cards", "move", "nobody", "done", "--as", "coder").stderr
