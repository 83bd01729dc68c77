"""Circles: what is one and what is work, on the shipped corpus; and what a session does about one."""

from typing import Any

import pytest

from orket_pipelines.agents import run_session
from orket_pipelines.agents.history import History
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.records import calls_of, list_sessions, turns_of
from orket_pipelines.agents.roles import get_role
from orket_pipelines.agents.stuck import Watch, observe
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.bench import run_bench
from orket_pipelines.bench.stuck import Case, notice, read_corpus
from orket_pipelines.cards.model import CardState

CORPUS = read_corpus()
READY = {"request_state": {"state": "ready_for_testing", "summary": "It is done."}}
MISSING = {"read_file": {"path": "missing.txt"}}


def script(*turns: dict[str, Any]) -> Scripted:
    scene = {"purpose": "work", "turns": list(turns)}
    return Scripted(Playbook.model_validate({"cards": {"default": {"coder": [scene]}}}))


@pytest.mark.parametrize("case", [case for case in CORPUS if case.stuck is not None], ids=lambda case: case.name)
def test_a_circle_is_noticed_in_time(case: Case) -> None:
    found = notice(case)
    assert found is not None
    assert found <= (case.stuck or 0)


@pytest.mark.parametrize("case", [case for case in CORPUS if case.stuck is None], ids=lambda case: case.name)
def test_work_is_not_taken_for_a_circle(case: Case) -> None:
    assert notice(case) is None


@pytest.mark.parametrize("period", [1, 2, 3, 4, 5])
def test_circles_of_one_to_five_calls_are_seen_whatever_came_before(period: int) -> None:
    watch = Watch()
    for number in range(7):
        assert watch.see(observe("read_file", f"before {number}", "done", "x")) is None
    seen = [watch.see(observe("read_file", f"{number % period}", "done", "x")) for number in range(period * 4)]
    found = [circle for circle in seen if circle is not None]
    assert [len(circle.calls) for circle in found] == [period]


def test_a_call_after_which_the_files_are_different_is_not_the_same() -> None:
    watch = Watch()
    seen = [watch.see(observe("run_command", "{}", "done", "(no output)", f"tree{number}")) for number in range(9)]
    assert seen == [None] * 9


def test_who_goes_in_a_circle_is_told_and_may_go_another_way(desk: Desk, assignment: Assignment) -> None:
    models = script(*[{"calls": [MISSING]}] * 4, {"expect": "going round in a circle: 4 times", "calls": [READY]})
    assert run_session(desk, models, assignment).request is CardState.READY_FOR_TESTING


def test_who_goes_on_in_a_circle_is_ended_with_what_it_did(desk: Desk, assignment: Assignment) -> None:
    outcome = run_session(desk, script(*[{"calls": [MISSING]}] * 20), assignment)
    assert (outcome.failure or "").startswith("it was stuck, and went on after it was told so: 4 times in a row")
    assert "read_file" in (outcome.failure or "")
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        assert len(turns_of(tx, session.id)) == 8


def test_a_session_that_is_read_again_knows_its_circles(desk: Desk, assignment: Assignment) -> None:
    run_session(desk, script(*[{"calls": [MISSING]}] * 20), assignment)
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        turns, calls = turns_of(tx, session.id), calls_of(tx, session.id)
    history = History.rebuilt(session, get_role("coder"), turns, calls, CardState.IN_PROGRESS)
    assert [str(circle)[:20] for circle in history.circles] == ["4 times in a row, wi"] * 2
    told = [part for message in history.messages for part in message.parts if "circle" in str(part)]
    assert len(told) == 2


def test_precision_and_recall_are_measured() -> None:
    measured = {metric.metric: metric for metric in run_bench("stuck", lambda _: None)}
    assert [measured[name].value for name in ("stuck.precision", "stuck.recall")] == [1.0, 1.0]
    assert measured["stuck.cpu"].value > 0
