"""What follows on the line from tools that reach beyond the checkout."""

from dataclasses import replace

import pytest

from orket_pipelines.agents.approvals import decide, list_approvals
from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery import Result
from orket_pipelines.delivery.sandbox_views import view_of
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.sandboxes import MemorySandboxes
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.verification.fake import MemoryBrowsers

from .conftest import READY, Line, scene, write

pytestmark = pytest.mark.slow

ISSUE = {"create_issue": {"name": "Write the manual", "description": "Every command is in it."}}
EXCUSE = {"ask_to_be_excused": {"reason": "I wrote the half of it."}}


def test_an_issue_that_an_agent_creates_is_delivered_like_every_other(line: Line) -> None:
    line.add("plan", seat="project_manager")
    line.scripts = {"plan": {"project_manager": [scene("work", ISSUE, write("plan.md", "plan"), READY)]}}
    line.deliver()
    assert line.deliver()["epic-write-the-manual"].result is Result.DONE


def test_a_reviewer_that_asks_to_be_excused_leaves_the_card_to_a_person(line: Line) -> None:
    line.add("one")
    line.scripts = {"one": {"integrity_guard": [scene("review", EXCUSE, visit=1)]}}
    waiting = line.deliver()["one"].card
    assert (waiting.state, waiting.wait_reason) == (CardState.WAITING_FOR_DEVELOPER, WaitReason.INPUT)
    assert waiting.note == "integrity_guard asks to be excused: I wrote the half of it."


def test_agents_see_how_the_sandbox_of_their_rock_stands_and_what_it_said(line: Line) -> None:
    line.add("one")
    sandboxes = MemorySandboxes(line.store)
    factory = replace(line.factory, stage=Stage(sandboxes, MemoryBrowsers(), lambda _: True))
    with line.store.read() as tx:
        card = get_card(tx, "one")
    view = view_of(factory, card)
    assert view is not None
    assert (view.status(), view.logs(tail=10)) == (None, {})
    line.deliver(factory)
    status = view.status()
    assert status is not None
    assert (status.state, status.generation, status.services) == ("running", 1, ("app (memory, web)",))
    assert view.logs(tail=10) == {"app": ""}
    with line.store.read() as tx:
        found = sandbox_of_rock(tx, "rock")
    assert found is not None
    sandboxes.down(found)
    assert (view.status(), view.logs(tail=10)) == (None, {})
    assert view_of(line.factory, card) is None


def test_a_call_that_a_person_must_approve_makes_the_card_wait_and_then_goes_on(line: Line) -> None:
    line.add("one")
    line.settings = line.settings.model_copy(update={"approvals": frozenset({"write_file", "submit_review"})})
    for _ in ("write_file", "submit_review"):
        card = line.deliver()["one"].card
        assert (card.state, card.wait_reason) == (CardState.BLOCKED, WaitReason.INPUT)
        with line.store.write() as tx:
            (asked,) = list_approvals(tx, undecided=True)
            assert asked.id in card.note
            assert decide(tx, asked.id, granted=True, by="ada")[1]
    assert line.deliver()["one"].result is Result.DONE
