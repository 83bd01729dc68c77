"""The turn loop on the shipped fakes: what is stored, what is denied, how a session ends."""

import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orket_pipelines.agents import run_session
from orket_pipelines.agents.model import Assignment, Outcome, Purpose, SessionState
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import NAME, Scripted
from orket_pipelines.agents.records import calls_of, final_tree, get_session, list_sessions, turns_of
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.errors import CardError, ModelError, Stopped, WorkbenchError
from orket_pipelines.policy import list_violations
from orket_pipelines.store import Store, read_events, tables
from orket_pipelines.workbench import Execution, MemoryWorkbenches
from orket_pipelines.workbench.fake import ended

READY = {"request_state": {"state": "ready_for_testing", "summary": "It is done."}}


def script(*turns: dict[str, Any], role: str = "coder", purpose: str = "work") -> Scripted:
    scene = {"purpose": purpose, "turns": list(turns)}
    return Scripted(Playbook.model_validate({"cards": {"default": {role: [scene]}}}))


def events_of(store: Store, kind: str) -> list[dict[str, Any]]:
    with store.read() as tx:
        return [event.payload for event in read_events(tx) if event.kind == kind]


def test_a_session_ends_with_what_the_role_asks_for(desk: Desk, assignment: Assignment) -> None:
    models = script({"say": "Done.", "calls": [READY]})
    assert run_session(desk, models, assignment) == Outcome(request=CardState.READY_FOR_TESTING, text="It is done.")
    with desk.store.read() as tx:
        (session,) = list_sessions(tx, card_id="hello")
        (turn,) = turns_of(tx, session.id)
    assert (session.state, session.outcome) == (
        SessionState.ENDED,
        Outcome(CardState.READY_FOR_TESTING, text="It is done."),
    )
    assert (turn.number, turn.model, turn.cost, turn.input_tokens) == (1, NAME, 0.0, 0)


def test_an_ended_session_is_not_held_again(desk: Desk, assignment: Assignment) -> None:
    first = run_session(desk, script({"calls": [READY]}), assignment)
    blocked = {"request_state": {"state": "blocked", "wait_reason": "input", "summary": "Which one?"}}
    assert run_session(desk, script({"calls": [blocked]}), assignment) == first
    with desk.store.read() as tx:
        assert len(list_sessions(tx)) == 1


def test_another_visit_is_another_session(desk: Desk, assignment: Assignment) -> None:
    run_session(desk, script({"calls": [READY]}), assignment)
    blocked = {"request_state": {"state": "blocked", "wait_reason": "input", "summary": "Which one?"}}
    outcome = run_session(desk, script({"calls": [blocked]}), replace(assignment, visit=2))
    assert outcome == Outcome(request=CardState.BLOCKED, wait_reason=WaitReason.INPUT, text="Which one?")


def test_results_are_told_to_the_model_and_files_are_changed(desk: Desk, assignment: Assignment) -> None:
    models = script(
        {"calls": [{"write_file": {"path": "a.txt", "content": "one\n"}}, {"read_file": {"path": "a.txt"}}]},
        {"expect": "one", "calls": [READY]},
    )
    run_session(desk, models, assignment)
    assert (desk.workbench.checkout / "a.txt").read_text() == "one\n"


def test_every_call_is_an_event_with_its_outcome(desk: Desk, assignment: Assignment) -> None:
    long = "x" * 2_000
    models = script(
        {"calls": [{"write_file": {"path": "a.txt", "content": long}}, {"read_file": {"path": "missing.txt"}}]},
        {"calls": [{"submit_review": {"verdict": "approve"}}]},
        {"calls": [READY]},
    )
    run_session(desk, models, assignment)
    called = events_of(desk.store, "tool.called")
    assert [(call["tool"], call["verdict"], call["outcome"], call["turn"]) for call in called] == [
        ("write_file", "allowed", "done", 1),
        ("read_file", "allowed", "failed", 1),
        ("submit_review", "denied", "denied", 2),
        ("request_state", "allowed", "done", 3),
    ]
    assert len(called[0]["arguments"]["content"]) == 500
    assert {call["card"] for call in called} == {"hello"}
    turns = events_of(desk.store, "turn.completed")
    assert [(turn["number"], turn["model"], turn["cost"]) for turn in turns] == [
        (1, NAME, 0.0),
        (2, NAME, 0.0),
        (3, NAME, 0.0),
    ]
    (started,) = events_of(desk.store, "session.started")
    assert (started["role"], started["purpose"], started["visit"], started["attempt"]) == ("coder", "work", 1, 1)
    (ended,) = events_of(desk.store, "session.ended")
    assert ended["outcome"] == {"request": "ready_for_testing", "text": "It is done."}


def test_a_denied_call_is_on_record_and_the_way_out_is_told(desk: Desk, assignment: Assignment) -> None:
    models = script(
        {"calls": [{"write_file": {"path": ".github/workflows/ci.yml", "content": "on: push"}}]},
        {"expect": "The way out:", "calls": [READY]},
    )
    run_session(desk, models, assignment)
    with desk.store.read() as tx:
        (violation,) = list_violations(tx, card_id="hello")
        (session,) = list_sessions(tx)
    assert (violation.actor, violation.session_id) == ("coder", session.id)
    assert violation.attempted["tool"] == "write_file"
    assert not (desk.workbench.checkout / ".github").exists()


def test_what_a_command_did_to_a_protected_path_is_undone_and_told(desk: Desk, assignment: Assignment) -> None:
    """The gate sees the words of a command; its deeds show in the tree."""

    def write_workflow(checkout: Path, _command: Sequence[str]) -> Execution:
        (checkout / "harmless.txt").write_text("x")
        (checkout / ".gitea").mkdir()
        (checkout / ".gitea" / "deploy.yml").write_text("on: push")
        return ended()

    workbench = MemoryWorkbenches(write_workflow).open(desk.workbench.checkout, name="hello")
    models = script(
        {"calls": [{"run_command": {"command": ["innocent"]}}]},
        {"expect": "the call changed '.gitea/deploy.yml'", "calls": [READY]},
    )
    run_session(replace(desk, workbench=workbench), models, assignment)
    with desk.store.read() as tx:
        (violation,) = list_violations(tx, card_id="hello")
        (session,) = list_sessions(tx)
        assert final_tree(tx, session) == session.starting_tree
    assert violation.rule == "protected_path"
    assert not (desk.workbench.checkout / ".gitea").exists()


def test_what_follows_an_outcome_in_the_same_turn_is_not_run(desk: Desk, assignment: Assignment) -> None:
    models = script({"calls": [READY, {"write_file": {"path": "late.txt", "content": "late"}}]})
    run_session(desk, models, assignment)
    assert not (desk.workbench.checkout / "late.txt").exists()


def test_a_model_that_calls_nothing_is_reminded_and_then_given_up(desk: Desk, assignment: Assignment) -> None:
    words = {"say": "I think it is done."}
    reminded = {"expect": "called no tool", "say": "Really."}
    outcome = run_session(desk, script(words, reminded, reminded), assignment)
    assert outcome == Outcome(failure="the model answered 3 times in a row without calling a tool")


def test_a_reminded_model_may_go_on(desk: Desk, assignment: Assignment) -> None:
    outcome = run_session(desk, script({"say": "Hm."}, {"say": "Hm."}, {"calls": [READY]}), assignment)
    assert outcome.request is CardState.READY_FOR_TESTING


def test_turns_are_limited(desk: Desk, assignment: Assignment) -> None:
    desk = replace(desk, settings=desk.settings.model_copy(update={"turn_limit": 2}))
    reading: dict[str, Any] = {"calls": [{"list_files": {}}]}
    outcome = run_session(desk, script(reading, reading, reading), assignment)
    assert outcome == Outcome(failure="turn limit 2 reached without an outcome")
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        assert session.outcome == outcome


def test_a_defect_of_a_tool_is_told_and_the_session_goes_on(
    desk: Desk, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced(monkeypatch, "list_files", fails(ZeroDivisionError("division by zero")))
    models = script({"calls": [{"list_files": {}}]}, {"expect": "list_files has a defect", "calls": [READY]})
    assert run_session(desk, models, assignment).request is CardState.READY_FOR_TESTING


def test_a_lost_workbench_stops_the_session_and_the_call_stays_open(
    desk: Desk, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = script({"calls": [{"list_files": {}}]}, {"expect": "README.md", "calls": [READY]})
    with monkeypatch.context() as patched:
        replaced(patched, "list_files", fails(WorkbenchError("the workbench is gone")))
        with pytest.raises(WorkbenchError):
            run_session(desk, models, assignment)
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        (call,) = calls_of(tx, session.id)
    assert (session.state, call.result) == (SessionState.RUNNING, None)
    assert run_session(desk, models, assignment).request is CardState.READY_FOR_TESTING


def test_a_stop_is_heeded_between_calls_and_the_next_run_goes_on(
    desk: Desk, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = script(
        {"calls": [{"write_file": {"path": "a.txt", "content": "one"}}, {"list_files": {}}]}, {"calls": [READY]}
    )
    write = TOOLS["write_file"].run

    def write_and_stop(*given: Any) -> ToolResult:
        desk.stop.set()
        return write(*given)

    replaced(monkeypatch, "write_file", write_and_stop)
    with pytest.raises(Stopped):
        run_session(desk, models, assignment)
    desk.stop.clear()
    run_session(desk, models, assignment)
    assert [call["tool"] for call in events_of(desk.store, "tool.called")] == [
        "write_file",
        "list_files",
        "request_state",
    ]


def test_a_record_that_is_refused_makes_the_call_fail(
    desk: Desk, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise CardError("somebody else moved it first")

    replaced(monkeypatch, "list_files", lambda *_: ToolResult("listed", record=refuse))
    models = script({"calls": [{"list_files": {}}]}, {"expect": "somebody else moved it", "calls": [READY]})
    run_session(desk, models, assignment)
    assert events_of(desk.store, "tool.called")[0]["outcome"] == "failed"


def test_a_model_without_an_answer_leaves_the_session_resumable(desk: Desk, assignment: Assignment) -> None:
    models = script({"calls": [{"write_file": {"path": "a.txt", "content": "one"}}]})
    with pytest.raises(ModelError, match="is over after 1 turns"):
        run_session(desk, models, assignment)
    longer = script({"calls": [{"write_file": {"path": "a.txt", "content": "one"}}]}, {"calls": [READY]})
    assert run_session(desk, longer, assignment).request is CardState.READY_FOR_TESTING
    assert [call["tool"] for call in events_of(desk.store, "tool.called")] == ["write_file", "request_state"]


def test_a_secret_of_this_process_is_stored_nowhere(
    desk: Desk, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORGE_TOKEN", "hunter2-hunter2")
    (desk.workbench.checkout / "leak.txt").write_text("the token is hunter2-hunter2\0")
    models = script({"calls": [{"read_file": {"path": "leak.txt"}}]}, {"calls": [READY]})
    run_session(desk, models, replace(assignment, brief="Use hunter2-hunter2."))
    with desk.store.read() as tx:
        for table in (tables.sessions, tables.turns, tables.effects, tables.events):
            assert "hunter2" not in str(tx.execute(sa.select(table)).all())


def test_the_tree_that_a_session_leaves_behind_is_kept(desk: Desk, assignment: Assignment) -> None:
    models = script({"calls": [{"write_file": {"path": "a.txt", "content": "one"}}, READY]})
    run_session(desk, models, assignment)
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        tree = final_tree(tx, session)
    assert tree == desk.code.snapshot(assignment.repository, desk.workbench.checkout)
    assert tree != session.starting_tree


def test_a_reviewer_ends_with_a_verdict(desk: Desk, assignment: Assignment) -> None:
    models = script(
        {"calls": [{"comment": {"body": "I would say yes."}}]},
        {"calls": [READY]},
        role="integrity_guard",
        purpose="review",
    )
    with pytest.raises(ModelError):
        run_session(desk, models, replace(assignment, role="integrity_guard", purpose=Purpose.REVIEW))
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        assert get_session(tx, session.id) == session
        assert [call.result.verdict for call in calls_of(tx, session.id) if call.result] == ["done", "denied"]


def fails(error: Exception) -> Any:
    def run(*_: object) -> ToolResult:
        raise error

    return run


def replaced(monkeypatch: pytest.MonkeyPatch, name: str, run: Any) -> None:
    """Let a tool behave otherwise, behind its own gate."""
    monkeypatch.setitem(TOOLS, name, replace(TOOLS[name], run=run))


def test_the_turn_loop_fits_one_screen() -> None:
    assert len(inspect.getsource(run_session).splitlines()) <= 40
