"""`orket cards` and `orket rocks list`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import CardState, Move, WaitReason
from orket_pipelines.cards.records import add_comment, move_card
from orket_pipelines.store import Store
from tests.cli.conftest import Orket

ROCK = """
rock:
  id: list
  name: A list
  description: Things to do.
  task: Build it.
  epics:
    - name: Service
      description: The service.
      issues:
        - {id: storage, name: Storage, seat: coder, priority: High}
        - {id: filter, name: Filter, seat: coder, priority: Low, depends_on: [storage]}
"""


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    path = tmp_path / "list.yaml"
    path.write_text(ROCK)
    return path


def test_an_import_says_what_it_did_and_the_same_again_changes_nothing(orket: Orket, cards: Path) -> None:
    assert orket("cards", "import", cards).stdout == "Cards: 4 created, 0 changed, 0 unchanged, 0 problems.\n"
    assert orket("cards", "import", cards).stdout == "Cards: 0 created, 0 changed, 4 unchanged, 0 problems.\n"


def test_a_broken_file_is_named_with_the_path_to_the_key(orket: Orket, cards: Path) -> None:
    cards.write_text(ROCK.replace("seat: coder, priority: Low", "seat: nobody, priority: Low"))
    done = orket("cards", "import", cards)
    assert done.exit_code == 1
    assert f"{cards}: rock.epics[0].issues[1].seat: " in done.stdout


def test_a_file_that_is_not_there_is_a_problem(orket: Orket, cards: Path) -> None:
    done = orket("cards", "import", cards.with_name("absent.yaml"))
    assert done.exit_code == 1
    assert "absent.yaml" in done.stdout


def test_the_list_shows_states_scores_and_why_a_card_waits(
    orket: Orket, asked: Callable[..., Any], opened: Store, cards: Path
) -> None:
    orket("cards", "import", cards)
    move_card(opened, "storage", Move(CardState.IN_PROGRESS, "system"))
    move_card(opened, "storage", Move(CardState.BLOCKED, "coder", WaitReason.INPUT, "which database?"))
    told = {card["id"]: card for card in asked("cards", "list", "--rock", "list")}
    assert (told["storage"]["state"], told["storage"]["waits_for"]) == ("blocked", "input: which database?")
    assert (told["filter"]["state"], told["filter"]["waits_for"]) == ("ready", "storage")
    assert told["storage"]["score"] == 4.0
    assert [card["id"] for card in asked("cards", "list", "--state", "blocked")] == ["storage"]
    assert "blocked      4      Storage  input: which database?" in orket("cards", "list").stdout


def test_a_card_is_shown_with_what_it_asks_for_and_what_was_said(orket: Orket, opened: Store, cards: Path) -> None:
    orket("cards", "import", cards)
    with opened.write() as tx:
        add_comment(tx, "filter", "lead_architect", "Index the column.\x1b[31m")
    told = orket("cards", "show", "filter").stdout
    assert "issue Filter" in told
    assert "depends on: storage" in told
    assert "lead_architect:\nIndex the column.\\x1b[31m" in told


def test_an_unknown_state_is_used_wrongly(orket: Orket) -> None:
    assert orket("cards", "list", "--state", "odd").exit_code == 2


def test_rocks_say_how_far_they_are(orket: Orket, asked: Callable[..., Any], cards: Path) -> None:
    orket("cards", "import", cards)
    (rock,) = asked("rocks", "list")
    assert (rock["id"], rock["issues"], rock["done"]) == ("list", 2, 0)
    assert "list  ready  0 of 2       A list" in orket("rocks", "list").stdout


def test_an_empty_store_says_what_to_type(orket: Orket) -> None:
    assert orket("cards", "list").stdout == "There are no cards. Bring some in: orket cards import PATH\n"


def test_a_rock_is_shown_with_its_suites_by_name_and_without_their_source(orket: Orket, cards: Path) -> None:
    cards.with_name("page.py").write_text("def test_secret(page): ...\n")
    suites = "  suites: [{name: page, kind: e2e, file: page.py}]\n  verified_by: [page]\n"
    cards.write_text(ROCK.replace("  task: Build it.\n", suites))
    assert orket("cards", "import", cards).exit_code == 0
    told = orket("cards", "show", "list").stdout
    assert "suites:     page (e2e)" in told
    assert "must pass:  page" in told
    assert "test_secret" not in told
