"""Bugs: issues of the rock that they were found in."""

from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.cards.bugs import EPIC_LIMIT, Finding, FoundIn, Severity, Source, bug_of, bugs_of, report
from orket_pipelines.cards.exporting import export_rock
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards, list_cards, move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.errors import CardError
from orket_pipelines.store import Store, read_events

BLANK = Finding("The page is blank", "Open it.", Severity.MAJOR, found_in=FoundIn("c1", "todo", "GET /"))


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'orket.db'}"


def rock(state: CardState = CardState.DONE) -> Card:
    return Card("todo", CardKind.ROCK, "To-do", state, rock_id="todo")


def fix(store: Store, card_id: str) -> None:
    for state in (CardState.IN_PROGRESS, CardState.CODE_REVIEW, CardState.DONE):
        move_card(store, card_id, Move(state, "system", guard_approved=True))


@pytest.fixture
def delivered(store: Store) -> Store:
    with store.write() as tx:
        insert_cards(tx, [rock()])
    return store


def test_a_bug_is_an_issue_with_its_severity_source_and_place(delivered: Store) -> None:
    with delivered.write() as tx:
        reported = report(tx, "todo", BLANK)
    with delivered.read() as tx:
        (bug,) = bugs_of(tx, "todo")
        told = [event.payload for event in read_events(tx) if event.kind == "bug.reported"]
    assert bug.card == replace(reported.card, created_at=bug.card.created_at, updated_at=bug.card.updated_at)
    assert (bug.card.kind, bug.card.state, bug.card.priority) == (CardKind.ISSUE, CardState.READY, 2.0)
    assert (bug.severity, bug.source, bug.by) == (Severity.MAJOR, Source.PERSON, "person")
    assert (bug.found_in, bug.in_phase, bug.is_critical) == (FoundIn("c1", "todo", "GET /"), True, False)
    seen = {"commit": "c1", "sandbox": "todo", "scenario": "GET /", "source": "person", "by": "person"}
    about = {"rock": "todo", "name": "The page is blank", "priority": 2.0, "severity": "major", "in_phase": True}
    assert told == [about | seen]


def test_a_bug_of_a_rock_under_way_is_work_like_any_other(store: Store) -> None:
    with store.write() as tx:
        insert_cards(tx, [rock(CardState.IN_PROGRESS)])
        assert not report(tx, "todo", BLANK).in_phase


def test_a_critical_bug_has_the_highest_priority_unless_it_is_given_one(delivered: Store) -> None:
    with delivered.write() as tx:
        assert report(tx, "todo", replace(BLANK, severity=Severity.CRITICAL)).card.priority == 3.0
        low = report(tx, "todo", replace(BLANK, name="b", severity=Severity.CRITICAL, priority=1.0))
        high = report(tx, "todo", replace(BLANK, name="c", severity=Severity.MINOR, priority=3.0))
    assert (low.card.priority, low.is_critical, high.is_critical) == (1.0, True, True)


def test_what_is_open_under_the_same_name_is_the_same_bug(delivered: Store) -> None:
    with delivered.write() as tx:
        first = report(tx, "todo", BLANK)
        again = report(tx, "todo", replace(BLANK, name="The  page is blank "))
    assert again.card.id == first.card.id


def test_a_bug_that_comes_back_after_it_was_fixed_is_another_one(delivered: Store) -> None:
    with delivered.write() as tx:
        first = report(tx, "todo", BLANK)
    fix(delivered, first.card.id)
    with delivered.write() as tx:
        second = report(tx, "todo", BLANK)
    assert second.card.id == f"{first.card.id}-2"
    assert (second.is_open, second.card.parent_id) == (True, "todo-bugs-2")


def test_no_epic_of_bugs_grows_beyond_what_a_card_file_may_hold(delivered: Store) -> None:
    with delivered.write() as tx:
        for number in range(EPIC_LIMIT + 1):
            report(tx, "todo", replace(BLANK, name=f"bug {number}"))
        epics = {epic.id: len(list_cards(tx, parent_id=epic.id)) for epic in list_cards(tx, kinds=[CardKind.EPIC])}
    assert epics == {"todo-bugs": EPIC_LIMIT, "todo-bugs-2": 1}


def test_the_rock_stays_done_whatever_becomes_of_its_bugs(delivered: Store) -> None:
    with delivered.write() as tx:
        bug = report(tx, "todo", BLANK)
    fix(delivered, bug.card.id)
    with delivered.read() as tx:
        assert get_card(tx, "todo").state is CardState.DONE
        assert get_card(tx, "todo-bugs").state is CardState.DONE


def test_bugs_can_be_written_to_card_files(delivered: Store) -> None:
    with delivered.write() as tx:
        report(tx, "todo", BLANK)
        (file,) = export_rock(list_cards(tx, rock_id="todo"))
    assert "scenario: GET /" in file.text


def test_an_issue_that_a_person_labelled_is_a_bug_by_its_priority() -> None:
    card = Card("a", CardKind.ISSUE, "a", details={"labels": ["bug"]})
    found = {priority: bug_of(replace(card, priority=priority)) for priority in (1.0, 2.0, 3.0)}
    assert [bug and (bug.severity, bug.source) for bug in found.values()] == [
        (Severity.MINOR, Source.PERSON),
        (Severity.MAJOR, Source.PERSON),
        (Severity.CRITICAL, Source.PERSON),
    ]
    assert bug_of(replace(card, details={})) is None
    assert bug_of(replace(card, kind=CardKind.EPIC)) is None


def test_bugs_are_reported_to_rocks_that_are_wanted(delivered: Store) -> None:
    with delivered.write() as tx:
        insert_cards(tx, [Card("gone", CardKind.ROCK, "gone", CardState.CANCELED, rock_id="gone")])
        bug = report(tx, "todo", BLANK)
        for rock_id, told in (("gone", "was canceled"), (bug.card.id, "is not a rock"), ("none", "there is no card")):
            with pytest.raises(CardError, match=told):
                report(tx, rock_id, BLANK)
