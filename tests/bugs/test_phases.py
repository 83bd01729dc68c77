"""A phase in the store: begun, extended, ended, and what becomes of the bugs that are open."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import (
    Phase,
    PhaseState,
    abort,
    begin,
    check,
    close,
    extend,
    list_phases,
    report_found,
    rocks_in_phase,
    undone,
)
from orket_pipelines.bugs.page import page
from orket_pipelines.bugs.reports import PhaseReport, current
from orket_pipelines.cards.bugs import Finding, bugs_of
from orket_pipelines.cards.model import CardKind, CardState
from orket_pipelines.cards.records import get_card, list_cards, move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import CardError
from orket_pipelines.store import Store, read_events

from .conftest import DAY, Report

pytestmark = pytest.mark.slow

RULES = BugPhases()


def fix(store: Store, card_id: str) -> None:
    for state in (CardState.IN_PROGRESS, CardState.CODE_REVIEW, CardState.DONE):
        move_card(store, card_id, Move(state, "system", guard_approved=True))


@pytest.fixture
def phase(delivered: Store, clock: FakeClock) -> Store:
    with delivered.write() as tx:
        assert begin(tx, get_card(tx, "todo"), clock.moment(), RULES)
    return delivered


@pytest.fixture
def look(phase: Store, clock: FakeClock) -> Callable[[], Phase]:
    def look() -> Phase:
        with phase.write() as tx:
            return check(tx, "todo", clock.moment(), RULES)

    return look


def end(store: Store, clock: FakeClock) -> Phase:
    with store.write() as tx:
        return close(tx, "todo", clock.moment(), RULES)


def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    with store.read() as tx:
        return [(event.kind, event.payload) for event in read_events(tx) if event.kind.startswith("bug_phase.")]


def test_a_phase_begins_once_with_a_rock_that_is_done(phase: Store, clock: FakeClock) -> None:
    with phase.write() as tx:
        assert begin(tx, get_card(tx, "todo"), clock.moment(), RULES) is None
        assert begin(tx, get_card(tx, "epic"), clock.moment(), BugPhases(days=0)) is None
        assert (rocks_in_phase(tx), undone(tx)) == (frozenset({"todo"}), [])
    assert [(kind, said["planned_days"]) for kind, said in told(phase)] == [("bug_phase.started", 7.0)]


def test_no_phase_begins_where_they_are_switched_off(delivered: Store, clock: FakeClock) -> None:
    with delivered.write() as tx:
        assert [rock.id for rock in undone(tx)] == ["todo"]
        assert begin(tx, get_card(tx, "todo"), clock.moment(), BugPhases(days=0)) is None
        assert list_phases(tx, over=True) == []


def test_a_phase_without_bugs_ends_after_its_days_and_leaves_nothing(
    phase: Store, clock: FakeClock, look: Callable[[], Phase]
) -> None:
    clock.advance(7 * DAY - 1)
    assert look().ends_as is None
    clock.advance(1)
    assert look().ends_as is PhaseState.COMPLETED
    ended = end(phase, clock)
    assert (ended.state, ended.reason, ended.left_to) == (PhaseState.COMPLETED, "its 7 days are over", None)
    assert end(phase, clock) == ended == look()
    assert [kind for kind, _ in told(phase)] == ["bug_phase.started", "bug_phase.ended"]
    with phase.read() as tx:
        assert rocks_in_phase(tx) == frozenset()
        assert [card.id for card in list_cards(tx, kinds=[CardKind.ROCK])] == ["todo"]


def test_bugs_extend_a_phase_at_its_end_and_not_before(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    for number in range(4):
        bug(f"bug {number}", "critical")
    clock.advance(3 * DAY)
    assert look().state is PhaseState.ACTIVE
    clock.advance(4 * DAY)
    extended = look()
    assert (extended.state, extended.extensions, extended.planned) == (PhaseState.EXTENDED, 1, 14 * DAY * 10**6)
    assert look() == extended
    clock.advance(7 * DAY)
    assert look().extensions == 2
    said = told(phase)[1][1]
    assert (said["found"], said["open_high"], said["reason"]) == (4, 4, "4 bugs of priority 3 are open, more than 3")


def test_where_nobody_looked_for_long_it_is_extended_as_often_as_it_would_have_been(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    for number in range(4):
        bug(f"bug {number}", "critical")
    clock.advance(100 * DAY)
    found = look()
    assert (found.extensions, found.ends_as) == (3, PhaseState.COMPLETED)


def test_what_was_found_before_the_phase_is_not_found_in_it(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    with phase.write() as tx:
        tx.connection.exec_driver_sql("UPDATE cards SET state = 'in_progress' WHERE id = 'todo'")
    before = bug("before")
    with phase.write() as tx:
        tx.connection.exec_driver_sql("UPDATE cards SET state = 'done' WHERE id = 'todo'")
        assert current(tx, check(tx, "todo", clock.moment(), RULES), clock.moment(), RULES).found == 0
        assert [found.card.id for found in bugs_of(tx, "todo")] == [before]


def test_what_is_open_at_the_end_becomes_work_of_a_second_rock(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    fixed, begun, left = bug("fixed"), bug("begun", "critical"), bug("left", "minor")
    fix(phase, fixed)
    move_card(phase, begun, Move(CardState.IN_PROGRESS, "coder"))
    clock.advance(7 * DAY)
    look()
    assert end(phase, clock).left_to == "todo-phase2"
    with phase.read() as tx:
        second = get_card(tx, "todo-phase2")
        moved = {card.id: (card.state, card.priority) for card in list_cards(tx, rock_id="todo-phase2")}
        assert [found.card.id for found in bugs_of(tx, "todo")] == [fixed]
        assert all(not found.in_phase for found in bugs_of(tx, "todo-phase2"))
        assert get_card(tx, "todo-bugs").state is CardState.DONE
    assert (second.state, second.details["params"]["repository"]) == (CardState.IN_PROGRESS, "todo")
    assert [suite["name"] for suite in second.details["suites"]] == ["page"]
    assert moved == {
        "todo-phase2": (CardState.IN_PROGRESS, 2.0),
        "todo-phase2-bugs": (CardState.IN_PROGRESS, 2.0),
        begun: (CardState.IN_PROGRESS, 3.0),
        left: (CardState.READY, 1.0),
    }
    assert told(phase)[-1][1]["left"] == [fixed, begun, left][1:]


def test_the_second_rock_is_done_when_its_bugs_are_and_has_a_phase_of_its_own(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    left = bug("left")
    clock.advance(7 * DAY)
    look()
    end(phase, clock)
    fix(phase, left)
    with phase.write() as tx:
        second = get_card(tx, "todo-phase2")
        assert second.state is CardState.DONE
        assert begin(tx, second, clock.moment(), RULES)


def test_a_bug_that_is_found_after_the_end_is_work_of_the_second_rock(
    phase: Store, clock: FakeClock, look: Callable[[], Phase]
) -> None:
    clock.advance(7 * DAY)
    look()
    with phase.write() as tx:
        early = report_found(tx, "todo", Finding("early", "its end is decided, and not carried out"))
    ended = end(phase, clock)
    with phase.write() as tx:
        late, again = (report_found(tx, "todo", Finding("late", text)) for text in ("once", "twice"))
        assert get_card(tx, early.card.id).rock_id == ended.left_to == "todo-phase2"
        assert (late.card.rock_id, late.in_phase, again.card.id) == ("todo-phase2", False, late.card.id)
        assert get_card(tx, "todo").state is CardState.DONE


def test_where_nothing_was_left_open_it_makes_the_second_rock(
    phase: Store, clock: FakeClock, look: Callable[[], Phase]
) -> None:
    clock.advance(7 * DAY)
    look()
    assert end(phase, clock).left_to is None
    with phase.write() as tx:
        bug = report_found(tx, "todo", Finding("late", "late"))
        second = get_card(tx, "todo-phase2")
    assert (bug.card.rock_id, second.state, second.details["params"]) == (
        "todo-phase2",
        CardState.READY,
        {"repository": "todo"},
    )


def test_in_the_second_rock_s_own_phase_it_belongs_to_that_and_afterwards_to_a_third(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    left = bug("left")
    clock.advance(7 * DAY)
    look()
    end(phase, clock)
    fix(phase, left)
    with phase.write() as tx:
        begin(tx, get_card(tx, "todo-phase2"), clock.moment(), RULES)
        found = report_found(tx, "todo", Finding("in it", "in it"))
        assert (found.card.rock_id, found.in_phase) == ("todo-phase2", True)
        abort(tx, "todo-phase2", by="ada", reason="")
        close(tx, "todo-phase2", clock.moment(), RULES)
        later = report_found(tx, "todo", Finding("later", "later"))
    assert later.card.rock_id == "todo-phase2-phase2"


def test_a_person_extends_a_phase_within_its_longest(phase: Store, clock: FakeClock) -> None:
    with phase.write() as tx:
        longer = extend(tx, "todo", 3, by="ada", reason="the fair", rules=RULES)
        assert (longer.state, longer.planned, longer.reason) == (PhaseState.EXTENDED, 10 * DAY * 10**6, "the fair")
        with pytest.raises(CardError, match="would last 29 days, and may last 28"):
            extend(tx, "todo", 19, by="ada", reason="", rules=RULES)


def test_a_person_aborts_a_phase_once(phase: Store, clock: FakeClock, bug: Report) -> None:
    left = bug("left")
    with phase.write() as tx:
        abort(tx, "todo", by="ada", reason="")
        with pytest.raises(CardError, match="is about to end: ada aborted it"):
            abort(tx, "todo", by="bo", reason="")
        with pytest.raises(CardError, match="is about to end: ada aborted it"):
            extend(tx, "todo", 1, by="bo", reason="", rules=RULES)
    assert end(phase, clock).state is PhaseState.ABORTED
    with phase.read() as tx:
        assert get_card(tx, left).rock_id == "todo-phase2"


def test_the_report_says_what_was_found_and_fixed_on_which_day(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    first = bug("first <script>alert(1)</script>")
    clock.advance(2 * DAY)
    bug("second", "critical")
    fix(phase, first)
    clock.advance(DAY / 2)
    with phase.read() as tx:
        report = current(tx, look(), clock.moment(), RULES)
    assert [(day.day, day.found, day.fixed, day.rate) for day in report.by_day] == [
        (1, 1, 0, 1.0),
        (2, 0, 0, 0.5),
        (3, 1, 1, 0.667),
    ]
    assert (report.days, report.found, report.fixed, report.left_open, report.rate) == (2.5, 2, 1, 1, 1.0)
    assert PhaseReport.from_json(json.loads(json.dumps(report.as_json()))) == report
    shown = page(report)
    assert "<script" not in shown
    assert "first &lt;script&gt;" in shown
    assert shown.count("<svg") == 1
    assert "http" not in shown.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_a_clock_that_was_set_back_puts_nothing_outside_of_the_phase(
    phase: Store, clock: FakeClock, look: Callable[[], Phase], bug: Report
) -> None:
    clock.jump(-2 * DAY)
    bug("early")
    clock.jump(9 * DAY)
    bug("late")
    clock.advance(DAY)
    with phase.read() as tx:
        report = current(tx, look(), clock.moment(), RULES)
    assert (report.days, [day.found for day in report.by_day]) == (1.0, [2])
