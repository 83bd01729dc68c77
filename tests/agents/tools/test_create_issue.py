from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools.create_issue import CREATE_ISSUE, FULL
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards, list_cards
from orket_pipelines.errors import CardError, EpicFull
from orket_pipelines.store import Store

Call = Callable[..., ToolResult]


def issue(number: int) -> Card:
    return Card(f"ISSUE-{number}", CardKind.ISSUE, f"issue {number}", parent_id="e", rock_id="R")


@pytest.fixture
def desk(desk: Desk, store: Store) -> Desk:
    with store.write() as tx:
        insert_cards(
            tx,
            [
                Card("R", CardKind.ROCK, "rock", rock_id="R"),
                Card("e", CardKind.EPIC, "epic", parent_id="R", rock_id="R"),
                Card("X", CardKind.ISSUE, "elsewhere", parent_id="f", rock_id="Y"),
                issue(1),
            ],
        )
    return replace(desk, store=store)


@pytest.fixture
def create(call: Call, desk: Desk) -> Callable[..., ToolResult]:
    """The call with what follows from it, as a session stores both."""

    def create(name: str = "Write the manual", **more: Any) -> ToolResult:
        result = call(CREATE_ISSUE, name=name, description="Every command is in it.", **more)
        if result.record is not None:
            with desk.store.write() as tx:
                result.record(tx)
        return result

    return create


def test_an_issue_is_created_in_the_epic_of_the_card_at_hand(create: Call, desk: Desk) -> None:
    told = create(seat="qa", priority=3.0, depends_on=["ISSUE-1", "ISSUE-1"]).text
    assert told.startswith("Created issue e-write-the-manual in epic e.")
    with desk.store.read() as tx:
        made = get_card(tx, "e-write-the-manual")
    assert (made.kind, made.name, made.state) == (CardKind.ISSUE, "Write the manual", CardState.READY)
    assert (made.parent_id, made.rock_id, made.seat, made.priority) == ("e", "R", "qa", 3.0)
    assert (made.depends_on, made.details) == (("ISSUE-1",), {"description": "Every command is in it."})


def test_an_epic_that_is_full_takes_no_more_unless_it_declares_how_it_is_cut(create: Call, desk: Desk) -> None:
    with desk.store.write() as tx:
        insert_cards(tx, [issue(number) for number in range(2, 8)])
    with pytest.raises(CardError, match="has 7 issues, and declares no architecture"):
        create()
    with desk.store.read() as tx:
        assert len(list_cards(tx, parent_id="e")) == 7


def test_the_setting_says_how_many_issues_an_epic_takes_uncut(desk: Desk, assignment: Assignment) -> None:
    desk = replace(desk, settings=desk.settings.model_copy(update={"epic_issue_limit": 2}))
    second, third = (
        CREATE_ISSUE.run(
            desk, assignment, CREATE_ISSUE.arguments.model_validate({"name": name, "description": "More."})
        ).record
        for name in ("second", "third")
    )
    assert second is not None
    assert third is not None
    with desk.store.write() as tx:
        second(tx)
    with pytest.raises(EpicFull, match="the epic e has 2 issues"), desk.store.write() as tx:
        third(tx)


def test_no_epic_grows_without_end(desk: Desk, assignment: Assignment) -> None:
    with desk.store.write() as tx:
        parts = {"architecture": {"managers": ["a"]}}
        insert_cards(tx, [Card("e2", CardKind.EPIC, "large", parent_id="R", rock_id="R", details=parts)])
        insert_cards(tx, [replace(issue(number), parent_id="e2") for number in range(100, 100 + FULL)])
        insert_cards(tx, [Card("own", CardKind.ISSUE, "own", parent_id="e2", rock_id="R")])
    arguments = CREATE_ISSUE.arguments.model_validate({"name": "more", "description": "more"})
    result = CREATE_ISSUE.run(desk, replace(assignment, card_id="own"), arguments)
    assert result.record is not None
    with pytest.raises(CardError, match=f"has {FULL + 1} issues"), desk.store.write() as tx:
        result.record(tx)


def test_a_name_that_is_taken_is_refused(create: Call) -> None:
    create()
    with pytest.raises(CardError, match="there is an issue e-write-the-manual already"):
        create("write  the MANUAL")


def test_a_dependency_that_is_no_issue_of_the_rock_is_refused(create: Call) -> None:
    for needed in ("X", "R", "NOWHERE"):
        with pytest.raises(CardError, match="is no issue of your rock"):
            create(depends_on=[needed])


def test_a_seat_that_nobody_has_is_told(create: Call) -> None:
    result = create(seat="admin")
    assert result.failed
    assert result.text.startswith("There is no seat 'admin'. Call again with one of: backend_specialist, coder")
