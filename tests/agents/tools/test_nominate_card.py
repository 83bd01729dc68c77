from collections.abc import Callable
from dataclasses import replace

import pytest

from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.nominate_card import NOMINATE_CARD
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import comments_of, get_card, insert_cards
from orket_pipelines.errors import CardError
from orket_pipelines.store import Store, read_events

Call = Callable[..., ToolResult]


@pytest.fixture
def desk(desk: Desk, store: Store) -> Desk:
    cards = [
        Card("R", CardKind.ROCK, "rock", rock_id="R"),
        Card("ISSUE-1", CardKind.ISSUE, "mine", rock_id="R", state=CardState.IN_PROGRESS),
        Card("ISSUE-2", CardKind.ISSUE, "next", rock_id="R"),
        Card("ISSUE-3", CardKind.ISSUE, "elsewhere", rock_id="X"),
    ]
    with store.write() as tx:
        insert_cards(tx, cards)
    return replace(desk, store=store)


def test_a_nomination_is_a_comment_and_an_event_and_changes_no_order(call: Call, desk: Desk) -> None:
    result = call(NOMINATE_CARD, card="ISSUE-2", reason="All others wait for it.")
    assert result.record is not None
    with desk.store.write() as tx:
        result.record(tx)
    with desk.store.read() as tx:
        assert comments_of(tx, "ISSUE-2") == [("coder", "Nominated as next: All others wait for it.")]
        assert get_card(tx, "ISSUE-2").priority == 2.0
        (event,) = [each for each in read_events(tx) if each.kind == "card.nominated"]
    assert (event.subject, event.payload["by_card"]) == ("ISSUE-2", "ISSUE-1")


def test_only_an_issue_of_the_rock_that_nobody_began_can_be_nominated(call: Call, desk: Desk) -> None:
    for name in ("ISSUE-1", "ISSUE-3", "R", "NOWHERE"):
        result = call(NOMINATE_CARD, card=name, reason="me")
        assert result.record is not None
        with pytest.raises(CardError), desk.store.write() as tx:
            result.record(tx)
