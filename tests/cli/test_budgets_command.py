"""`orket budgets`: what was spent, beside what may be."""

from collections.abc import Callable
from typing import Any

import pytest

from orket_pipelines.agents.model import Purpose
from orket_pipelines.agents.records import Session, Turn, insert_session, insert_turn
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.store import Store

from .conftest import Orket


def test_a_day_a_rock_and_an_issue_stand_beside_their_limits(
    asked: Callable[..., Any], opened: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_BUDGETS", '{"issue": {"cost": 2.5}}')
    with opened.write() as tx:
        insert_cards(tx, [Card("r", CardKind.ROCK, "R", rock_id="r"), Card("i", CardKind.ISSUE, "I", rock_id="r")])
    assert list(asked("budgets", "show")) == ["day"]
    assert list(asked("budgets", "show", "r")) == ["rock", "day"]
    found = asked("budgets", "show", "i")
    assert list(found) == ["issue", "rock", "day"]
    assert found["issue"]["limits"]["cost"] == 2.5
    assert found["issue"]["spent"]["requests"] == 0


def test_a_card_that_is_not_there_has_no_budget(orket: Orket) -> None:
    assert "there is no card 'nothing'" in orket("budgets", "show", "nothing").output


def test_what_was_spent_is_told_to_the_last_token(orket: Orket, opened: Store) -> None:
    session = Session("s", "i", 1, "coder", Purpose.WORK, 1, "c" * 40, "m", [], None)
    with opened.write() as tx:
        insert_cards(tx, [Card("i", CardKind.ISSUE, "I")])
        insert_session(tx, session)
        insert_turn(tx, session, Turn(1, [], "m", 1_234_567, 0, 0.125, 0, 1), 1.0)
    told = orket("budgets", "show", "i").stdout
    assert "1,234,567" in told
    assert "0.12" in told
