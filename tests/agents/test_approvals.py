"""Tools that the settings hold back: a person decides about each call, and the session goes on with the decision."""

from dataclasses import replace
from typing import Any

import pytest

from orket_pipelines.agents import run_session
from orket_pipelines.agents.approvals import decide, list_approvals
from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import CardState
from orket_pipelines.errors import ApprovalNeeded, OrketError, SettingsError
from orket_pipelines.policy import list_violations

READY = {"request_state": {"state": "ready_for_testing", "summary": "Done."}}
WRITE = {"write_file": {"path": "a.txt", "content": "x" * 2_000}}
DONE = Outcome(request=CardState.READY_FOR_TESTING, text="Done.")


def writing(expect: str) -> Scripted:
    turns: list[dict[str, Any]] = [{"calls": [WRITE]}, {"expect": expect, "calls": [READY]}]
    return Scripted(Playbook.model_validate({"cards": {"default": {"coder": [{"purpose": "work", "turns": turns}]}}}))


@pytest.fixture
def desk(desk: Desk) -> Desk:
    return replace(desk, settings=desk.settings.model_copy(update={"approvals": frozenset({"write_file"})}))


def ask(desk: Desk, assignment: Assignment) -> str:
    """Hold the session until it stops for a decision; the id of the request."""
    with pytest.raises(ApprovalNeeded):
        run_session(desk, writing("-"), assignment)
    with desk.store.read() as tx:
        (found,) = list_approvals(tx, card_id="hello", undecided=True)
    return found.id


def test_a_call_that_waits_for_a_person_has_not_run_and_is_asked_about_once(desk: Desk, assignment: Assignment) -> None:
    asked = ask(desk, assignment)
    assert ask(desk, assignment) == asked
    assert not (desk.workbench.checkout / "a.txt").exists()
    with desk.store.read() as tx:
        (found,) = list_approvals(tx)
    assert (found.role, found.tool, found.card_id) == ("coder", "write_file", "hello")
    assert '"content":"' + "x" * 2_000 in found.arguments


def test_a_granted_call_runs_in_the_same_session(desk: Desk, assignment: Assignment) -> None:
    asked = ask(desk, assignment)
    with desk.store.write() as tx:
        decide(tx, asked, granted=True, by="ada")
    assert run_session(desk, writing("Created a.txt"), assignment) == DONE
    assert (desk.workbench.checkout / "a.txt").exists()


def test_a_refused_call_is_denied_with_the_reason_and_the_session_goes_on(desk: Desk, assignment: Assignment) -> None:
    asked = ask(desk, assignment)
    with desk.store.write() as tx:
        decide(tx, asked, granted=False, by="ada", reason="Not this file.")
    assert run_session(desk, writing("rule approval: ada refused this call: Not this file."), assignment) == DONE
    assert not (desk.workbench.checkout / "a.txt").exists()
    with desk.store.read() as tx:
        (violation,) = list_violations(tx, card_id="hello")
    assert violation.rule == "approval"


def test_a_decision_stands(desk: Desk, assignment: Assignment) -> None:
    asked = ask(desk, assignment)
    with desk.store.write() as tx:
        decide(tx, asked, granted=True, by="ada")
    with desk.store.write() as tx:
        assert decide(tx, asked, granted=True, by="bob")[0].decided_by == "ada"
        with pytest.raises(OrketError, match="was granted by ada already"):
            decide(tx, asked, granted=False, by="bob")


def test_a_name_that_is_no_tool_holds_nothing_back_and_is_refused(desk: Desk, assignment: Assignment) -> None:
    wrong = replace(desk, settings=desk.settings.model_copy(update={"approvals": frozenset({"write_fil"})}))
    with pytest.raises(SettingsError, match="approvals: there is no tool write_fil"):
        run_session(wrong, writing("-"), assignment)
