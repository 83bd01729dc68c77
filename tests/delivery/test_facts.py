"""Looking at an issue again: cheap, and never other than a first look."""

from dataclasses import replace

import pytest

from orket_pipelines.agents.model import Outcome, Purpose
from orket_pipelines.agents.records import Session, end_session, insert_session
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards, move_in, update_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.facts import Look, look
from orket_pipelines.delivery.labels import LABEL
from orket_pipelines.delivery.model import Attempt, Facts, FeedbackKind, SuiteRun
from orket_pipelines.delivery.records import HEAD, add_feedback, add_test_run, insert_attempt, update_attempt
from orket_pipelines.errors import CardError
from orket_pipelines.policy import Violation, record_violation
from orket_pipelines.store import Store, Transaction, perform
from orket_pipelines.verification import SuiteReport

ISSUE = Card("one", CardKind.ISSUE, "One", seat="coder", details={"description": "Do it."}, content_hash="first")
ATTEMPT = Attempt(1, "code", "orket/one/1", "base", None, None, None)
SESSION = Session("s", "one", 1, "coder", Purpose.WORK, 1, "base", "model", [], None)


class Watcher:
    """Looks again after every change, and has it checked by somebody who looks for the first time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: Look | None = None
        with store.read() as tx:
            self._card = get_card(tx, "one")

    def look(self) -> Facts:
        with self._store.glance() as tx:
            self._seen = look(tx, self._card, self._seen)
            assert self._seen.facts == look(tx, get_card(tx, "one")).facts
        self._card = self._seen.facts.card
        return self._seen.facts

    def move(self, tx: Transaction, to: CardState) -> None:
        move_in(tx, self._card, Move(to, "system"))


@pytest.fixture
def watcher(store: Store) -> Watcher:
    with store.write() as tx:
        insert_cards(tx, [ISSUE])
    return Watcher(store)


def test_a_label_is_owed_while_a_pull_request_does_not_say_that_something_was_refused(
    store: Store, watcher: Watcher
) -> None:
    with store.write() as tx:
        insert_attempt(tx, ISSUE, ATTEMPT)
        watcher.move(tx, CardState.IN_PROGRESS)
        record_violation(tx, Violation("role_tools", "coder", {}, "may not", "Do not.", "one"))
    assert not watcher.look().owes_label
    with store.write() as tx:
        update_attempt(tx, "one", 1, pull_request=7)
    assert watcher.look().owes_label
    perform(store, LABEL, "code:7", subject="one", intent={}, act=dict)
    assert not watcher.look().owes_label


def test_each_look_sees_what_has_come_since_the_last(store: Store, watcher: Watcher) -> None:
    assert watcher.look().attempt is None
    with store.write() as tx:
        insert_attempt(tx, ISSUE, ATTEMPT)
        watcher.move(tx, CardState.IN_PROGRESS)
    assert watcher.look().attempt == ATTEMPT
    with store.write() as tx:
        insert_session(tx, SESSION)
    begun = watcher.look().last_session
    assert begun is not None
    assert begun.outcome is None
    with store.write() as tx:
        end_session(tx, SESSION, Outcome(request=CardState.READY_FOR_TESTING))
        add_feedback(tx, ISSUE, ATTEMPT, FeedbackKind.GUIDANCE, author="lead_architect", body="Go on.")
    assert watcher.look().visits == {("coder", "work"): 1}
    assert [said.body for said in watcher.look().feedback] == ["Go on."]


def test_a_test_run_counts_while_the_card_is_tested_and_stands_for_its_head_alone(
    store: Store, watcher: Watcher
) -> None:
    with store.write() as tx:
        insert_attempt(tx, ISSUE, ATTEMPT)
        watcher.move(tx, CardState.IN_PROGRESS)
    watcher.look()
    with store.write() as tx:
        update_attempt(tx, "one", 1, head_commit="head")
        watcher.move(tx, CardState.READY_FOR_TESTING)
    assert watcher.look().head_passed is None
    with store.write() as tx:
        add_test_run(tx, ISSUE, ATTEMPT, SuiteRun(HEAD, "base", SuiteReport(False, {}, 1, "no"), 0))
    assert watcher.look().head_passed is None
    with store.write() as tx:
        add_test_run(tx, ISSUE, ATTEMPT, SuiteRun(HEAD, "head", SuiteReport(True, {}, 0, "yes"), 0))
    assert watcher.look().head_passed is True
    with store.write() as tx:
        watcher.move(tx, CardState.CODE_REVIEW)
    assert watcher.look().head_passed is None


def test_a_card_whose_file_has_changed_is_read_anew(store: Store, watcher: Watcher) -> None:
    watcher.look()
    with store.write() as tx:
        update_card(tx, replace(ISSUE, details={"description": "Do something else."}, content_hash="second"))
    assert watcher.look().card.details == {"description": "Do something else."}


def test_a_card_that_is_not_there_is_named(store: Store) -> None:
    with store.glance() as tx, pytest.raises(CardError, match="there is no card 'one'"):
        look(tx, ISSUE)
