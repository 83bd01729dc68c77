"""`orket cards plan` and `orket status`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import CardState, Move, WaitReason
from orket_pipelines.cards.records import move_card
from orket_pipelines.store import Store
from tests.cli.conftest import Orket

pytestmark = pytest.mark.slow

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
        - {id: docs, name: Documents, seat: coder, priority: Low}
"""


@pytest.fixture
def rock(orket: Orket, tmp_path: Path) -> Path:
    path = tmp_path / "list.yaml"
    path.write_text(ROCK)
    assert orket("cards", "import", path).exit_code == 0
    return path


def test_a_plan_shows_the_order_and_the_critical_path(orket: Orket, asked: Callable[..., Any], rock: Path) -> None:
    planned = asked("cards", "plan", "list")
    assert [each["id"] for each in planned["order"]] == ["storage", "docs", "filter"]
    assert [(each["score"], each["wave"], each["critical"]) for each in planned["order"]] == [
        (4.0, 1, True),
        (1.0, 1, False),
        (1.0, 2, True),
    ]
    assert planned["critical_path"] == ["storage", "filter"]
    told = orket("cards", "plan").stdout
    assert "3  filter*   ready  1      coder  2     storage  Filter" in told
    assert "3 issues are left, in at least 2 waves" in told
    assert "critical path (*): storage → filter" in told


def test_a_plan_leaves_out_what_is_canceled(orket: Orket, asked: Callable[..., Any], opened: Store, rock: Path) -> None:
    move_card(opened, "docs", Move(CardState.CANCELED, "project_manager"))
    assert [each["id"] for each in asked("cards", "plan")["order"]] == ["storage", "filter"]


def test_there_is_no_plan_of_what_is_no_rock(orket: Orket, rock: Path) -> None:
    done = orket("cards", "plan", "storage")
    assert done.exit_code == 1
    assert "storage is not a rock" in done.stderr


def test_the_status_says_of_every_card_why_nobody_works_on_it(
    orket: Orket, asked: Callable[..., Any], opened: Store, rock: Path
) -> None:
    move_card(opened, "docs", Move(CardState.IN_PROGRESS, "system"))
    move_card(opened, "docs", Move(CardState.BLOCKED, "coder", WaitReason.INPUT, "in which language?"))
    told = {each["card_id"]: (each["why"], each["reason"]) for each in asked("status")["waiting"]}
    assert told == {
        "storage": ("a delivery", None),
        "filter": ("another card", "dependency"),
        "docs": ("a person", "input"),
    }
    shown = orket("status", "--rock", "list").stdout
    assert "issues: 1 blocked, 2 ready\nplaces: 0 of 4 taken\n" in shown
    assert "waits for a person (input): in which language?" in shown
    assert "orket rocks deliver list" in shown
    assert "  warning: 1 card waits for a person: docs\n" in shown


def test_the_status_of_an_empty_store_says_what_to_type(orket: Orket) -> None:
    assert orket("status").stdout == "There are no cards. Bring some in: orket cards import PATH\n"


def test_an_epic_may_have_as_many_simple_issues_as_the_settings_say(
    orket: Orket, rock: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_EPIC_ISSUE_LIMIT", "2")
    done = orket("cards", "import", rock)
    assert done.exit_code == 1
    assert f"{rock}: rock.epics[0]: has 3 issues; with more than 2 it must declare how it is decomposed" in done.stdout


def test_a_delivery_that_ends_for_a_canceled_card_says_what_to_do() -> None:
    from orket_pipelines.cards import Card, CardKind
    from orket_pipelines.cli.delivering import _remedy
    from orket_pipelines.delivery import Delivery, Result

    left = Delivery(Card("b", CardKind.ISSUE, "b", rock_id="r"), Result.WAITING, "it depends on what is canceled: a")
    assert _remedy([left], "orket rocks deliver r").startswith("Take what is canceled out of depends_on")
