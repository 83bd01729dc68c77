"""`orket approvals`: what waits for a decision, and the decision."""

from collections.abc import Callable
from typing import Any

import pytest

from orket_pipelines.agents.approvals import Approval, ask_approval
from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.store import Store

from .conftest import Orket


@pytest.fixture
def asked_for(opened: Store) -> str:
    """The id of a request, for which its card waits."""
    with opened.write() as tx:
        found = ask_approval(tx, Approval("a1", "key", "one", "session", "coder", "run_command", '{"command": ["ls"]}'))
        note = f"Look at it: orket approvals show {found.id}"
        waiting = Card("one", CardKind.ISSUE, "One", CardState.BLOCKED, wait_reason=WaitReason.INPUT, note=note)
        insert_cards(tx, [waiting])
    return found.id


def test_a_request_is_listed_shown_and_granted_and_the_card_goes_on(
    asked: Callable[..., Any], orket: Orket, opened: Store, asked_for: str
) -> None:
    assert [each["id"] for each in asked("approvals", "list")] == [asked_for]
    assert '{"command": ["ls"]}' in orket("approvals", "show", asked_for).output
    decided = asked("approvals", "grant", asked_for, "--as", "ada")
    assert (decided["granted"], decided["decided_by"], decided["resumed"]) == (True, "ada", True)
    with opened.read() as tx:
        assert get_card(tx, "one").state is CardState.IN_PROGRESS
    assert asked("approvals", "list") == []
    assert len(asked("approvals", "list", "--all")) == 1


def test_a_refusal_is_kept_with_its_reason(asked: Callable[..., Any], asked_for: str) -> None:
    decided = asked("approvals", "refuse", asked_for, "--reason", "Too much.")
    assert (decided["granted"], decided["reason"], decided["resumed"]) == (False, "Too much.", True)


def test_a_request_that_is_not_there_is_told(orket: Orket) -> None:
    done = orket("approvals", "grant", "nothing")
    assert done.exit_code == 1
    assert "orket approvals list" in done.output
