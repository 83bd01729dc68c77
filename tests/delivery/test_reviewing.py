"""Reviews on the line: by one role, by two, by people; of this very patch, or of the one before."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.records import list_sessions
from orket_pipelines.agents.roles import load_roles
from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery import Result
from orket_pipelines.delivery.model import Feedback
from orket_pipelines.delivery.people import review_as
from orket_pipelines.delivery.records import feedback_of
from orket_pipelines.errors import CardError, ForgeError
from orket_pipelines.forge import MemoryForge
from orket_pipelines.forge.model import PullRequestState, Review, Verdict
from orket_pipelines.git import MemoryCode
from orket_pipelines.store import Event, read_events

from .conftest import APPROVE, READY, scene, write

GUARD, TECHNICAL = "integrity_guard", "technical_reviewer"
pytestmark = pytest.mark.slow

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
APPROVES = [scene("review", APPROVE)]
MENDS = scene("changes_requested", write("a", "2"), READY)
SAME_PATCH = scene("changes_requested", READY)


def asks(body: str) -> dict[str, Any]:
    return {"submit_review": {"verdict": "request_changes", "body": body}}


def with_settings(line: Any, **settings: Any) -> None:
    line.settings = line.settings.model_copy(update=settings)


def play(line: Any, *after: dict[str, Any], **reviewers: list[dict[str, Any]]) -> None:
    """Issue `one`: its author writes, and does `after` when called again."""
    line.add("one")
    line.scripts = {"one": {"coder": [scene("work", write("a", "1"), READY), *after], **reviewers}}


def first(*calls: dict[str, Any]) -> list[dict[str, Any]]:
    """A reviewer that makes these calls at its first visit, and approves at every other."""
    return [scene("review", *calls, visit=1), *APPROVES]


def called(line: Any) -> Counter[tuple[str, str]]:
    """How often each role was called for what."""
    with line.store.read() as tx:
        return Counter((found.role, str(found.purpose)) for found in list_sessions(tx, card_id="one"))


def reviews_asked(line: Any) -> dict[str, int]:
    return {role: count for (role, purpose), count in called(line).items() if purpose == "review"}


def said(line: Any) -> list[Feedback]:
    with line.store.read() as tx:
        return feedback_of(tx, "one")


def events(line: Any, kind: str) -> list[Event]:
    with line.store.read() as tx:
        return [event for event in read_events(tx) if event.kind == kind]


def prompts(line: Any, role: str, purpose: str) -> list[str]:
    with line.store.read() as tx:
        found = list_sessions(tx, card_id="one")
    return [str(session.prompt) for session in found if (session.role, session.purpose) == (role, purpose)]


def review(line: Any, name: str, verdict: Verdict, body: str = "") -> Any:
    return review_as(line.store, line.forge, "one", name=name, roles=load_roles(), verdict=verdict, body=body)


@pytest.fixture
def two(line: Any) -> Any:
    """A line where two roles review."""
    with_settings(line, reviewers=(TECHNICAL, GUARD))
    return line


def test_two_roles_review_and_the_visits_and_verdicts_of_each_count_apart(two: Any, tmp_path: Path) -> None:
    play(two, MENDS, technical_reviewer=first(asks("It is not how it is done here.")), integrity_guard=APPROVES)
    two.add("other", depends_on=("one",))
    two.scripts["other"] = {"coder": [scene("work", write("b", "1"), READY)], TECHNICAL: APPROVES}
    assert {found.result for found in two.deliver().values()} == {Result.DONE}
    assert reviews_asked(two) == {TECHNICAL: 2, GUARD: 1}
    assert [(str(found.kind), found.author) for found in said(two)] == [
        ("changes_requested", TECHNICAL),
        ("approved", TECHNICAL),
        ("approved", GUARD),
    ]
    assert two.files(tmp_path / "main")["a"] == "2"
    told = [event.payload for event in events(two, "pull_request.reviewed") if event.subject == "one"]
    assert [(each["reviewer"], each["awaits"]) for each in told[1:]] == [(TECHNICAL, GUARD), (GUARD, None)]


@ON_SQLITE
def test_a_request_for_changes_by_the_second_reviewer_voids_the_approval_of_the_first(two: Any) -> None:
    play(two, MENDS, technical_reviewer=APPROVES, integrity_guard=first(asks("Prove it.")))
    assert two.deliver()["one"].result is Result.DONE
    assert reviews_asked(two) == {TECHNICAL: 2, GUARD: 2}
    assert "Prove it." in prompts(two, "coder", "changes_requested")[0]


def test_an_approval_is_kept_where_the_patch_is_the_same(two: Any) -> None:
    play(two, SAME_PATCH, technical_reviewer=APPROVES, integrity_guard=first(asks("Prove it.")))
    assert two.deliver()["one"].result is Result.DONE
    assert reviews_asked(two) == {TECHNICAL: 1, GUARD: 2}
    approvals = [found for found in said(two) if found.author == TECHNICAL]
    assert len({found.commit for found in approvals}) == len(approvals) == 2
    kept = events(two, "pull_request.approval_kept")
    assert [(event.payload["reviewer"], event.payload["approved"]) for event in kept] == [
        (TECHNICAL, approvals[0].commit)
    ]
    assert len(events(two, "pull_request.reviewed")) == 3


@ON_SQLITE
def test_a_reviewer_is_told_what_was_asked_for_before(two: Any) -> None:
    play(two, MENDS, technical_reviewer=APPROVES, integrity_guard=first(asks("Prove it.")))
    two.deliver()
    assert ["Prove it." in prompt for prompt in prompts(two, TECHNICAL, "review")] == [False, True]
    assert ["Prove it." in prompt for prompt in prompts(two, GUARD, "review")] == [False, True]


def test_requests_by_either_reviewer_count_together_and_the_requirements_hold_each(two: Any) -> None:
    tries = [scene("changes_requested", write("a", f"try {visit}"), READY, visit=visit) for visit in (1, 2, 3)]
    takes_turns = [scene("review", asks(f"Technical {visit}."), visit=visit) for visit in (1, 3)]
    play(
        two,
        *tries,
        technical_reviewer=[*takes_turns, *APPROVES],
        integrity_guard=[scene("review", asks(f"Guard {visit}."), visit=visit) for visit in (1, 2)],
        lead_architect=[scene("guidance", {"submit_guidance": {"body": "Use an index."}})],
    )
    assert two.deliver()["one"].card.wait_reason is WaitReason.INPUT
    with two.store.read() as tx:
        requirements = get_card(tx, "one-requirements-1").details["description"]
    asked = ["Technical 1.", "Guard 1.", "Technical 3.", "Guard 2."]
    assert [requirements.index(body) for body in asked] == sorted(requirements.index(body) for body in asked)
    assert "- Use an index." in requirements
    architect = prompts(two, "lead_architect", "guidance")
    assert [all(body in prompt for body in asked[:3]) for prompt in architect] == [True]
    authors = prompts(two, "coder", "changes_requested")
    assert ["Use an index." in prompt for prompt in authors] == [False, False, True]
    assert two.forge.pull_request("rock", 1).state is PullRequestState.CLOSED


@ON_SQLITE
def test_an_author_that_may_review_is_not_asked_about_its_own_work(line: Any, tmp_path: Path) -> None:
    (tmp_path / "pair.yaml").write_text(
        "intent: Writes and reviews.\n"
        "tools: [write_file, request_state, submit_review]\n"
        "states: [ready_for_testing]\n"
        "prompt: You write or review.\n"
    )
    with_settings(line, roles=tmp_path, reviewers=("pair", GUARD))
    line.add("one", seat="pair")
    line.scripts = {"one": {"pair": [scene("work", write("a", "1"), READY), *APPROVES]}}
    assert line.deliver()["one"].result is Result.DONE
    assert reviews_asked(line) == {GUARD: 1}


def test_where_more_approvals_are_required_than_there_are_reviewers_people_are_waited_for(line: Any) -> None:
    with_settings(line, required_approvals=2)
    play(line)
    waiting = line.deliver()["one"]
    assert (waiting.card.state, waiting.card.wait_reason) == (CardState.WAITING_FOR_DEVELOPER, WaitReason.REVIEW)
    told = "pull request 1 still needs the approval of a person: orket issues review one --approve"
    assert waiting.card.note == told
    assert line.deliver()["one"].result is Result.WAITING
    assert review(line, "ada", Verdict.APPROVED).resumed
    assert line.deliver()["one"].result is Result.DONE
    assert reviews_asked(line) == {GUARD: 1}
    reviewed = [event.payload for event in events(line, "pull_request.reviewed")]
    assert [(each["reviewer"], each["awaits"]) for each in reviewed] == [(GUARD, "a person"), ("ada", None)]


def test_who_reviews_just_before_the_card_waits_brings_it_back_too(line: Any) -> None:
    with_settings(line, required_approvals=2)
    line.forge = LateReview(line.code, at=2)
    play(line)
    assert line.deliver()["one"].result is Result.DONE
    with line.store.read() as tx:
        assert "waiting_for_developer" in [event.payload.get("to") for event in read_events(tx)]


def test_a_person_may_ask_for_changes_while_the_guard_still_reads(line: Any) -> None:
    """It approves, the forge refuses the merge, and the author hears of it."""
    play(line, MENDS, integrity_guard=[scene("review", {"run_tests": {}}, APPROVE)])
    line.during_tests = lambda checkout: _once(line, checkout, "ada", Verdict.CHANGES_REQUESTED, "Not in my name.")
    assert line.deliver()["one"].result is Result.DONE
    assert [(str(found.kind), found.author) for found in said(line)] == [
        ("approved", GUARD),
        ("changes_requested", "ada"),
        ("approved", GUARD),
    ]
    assert "Not in my name." in prompts(line, "coder", "changes_requested")[0]


@ON_SQLITE
def test_the_author_hears_a_person_who_asked_for_changes_besides_the_guard(line: Any) -> None:
    play(line, MENDS, integrity_guard=[scene("review", {"run_tests": {}}, asks("Prove it."), visit=1), *APPROVES])
    line.during_tests = lambda checkout: _once(line, checkout, "ada", Verdict.CHANGES_REQUESTED, "Not in my name.")
    assert line.deliver()["one"].result is Result.DONE
    (prompt,) = prompts(line, "coder", "changes_requested")
    assert "Prove it." in prompt
    assert "Not in my name." in prompt


def test_a_person_whose_request_was_answered_by_the_same_patch_is_asked_again(line: Any) -> None:
    play(line, SAME_PATCH, integrity_guard=[scene("review", {"run_tests": {}}, APPROVE)])
    line.during_tests = lambda checkout: _once(line, checkout, "ada", Verdict.CHANGES_REQUESTED, "Not in my name.")
    waiting = line.deliver()["one"]
    assert waiting.card.wait_reason is WaitReason.REVIEW
    assert "ada asked for changes" in waiting.card.note
    review(line, "ada", Verdict.APPROVED)
    assert line.deliver()["one"].result is Result.DONE


@ON_SQLITE
def test_a_person_s_approval_takes_the_place_of_a_reviewer_s_but_never_of_the_guard_s(two: Any) -> None:
    silent = [{"purpose": "review", "turns": [{"say": "Hm."}] * 3}]
    play(two, technical_reviewer=silent, integrity_guard=APPROVES)
    assert two.deliver()["one"].card.wait_reason is WaitReason.SYSTEM
    assert not review(two, "ada", Verdict.APPROVED).resumed
    assert two.deliver()["one"].result is Result.DONE
    assert reviews_asked(two) == {TECHNICAL: 3, GUARD: 1}


@ON_SQLITE
def test_nobody_reviews_in_the_name_of_a_role(line: Any) -> None:
    play(line)
    for name in (GUARD, "coder", "system"):
        with pytest.raises(ForgeError, match="no person's"):
            review(line, name, Verdict.APPROVED)


@ON_SQLITE
def test_what_has_no_pull_request_cannot_be_reviewed(line: Any) -> None:
    play(line)
    with pytest.raises(ForgeError, match="one has no pull request to review: it is ready"):
        review(line, "ada", Verdict.APPROVED)
    with pytest.raises(CardError):
        review_as(line.store, line.forge, "none", name="ada", roles=(), verdict=Verdict.APPROVED, body="")


@ON_SQLITE
@pytest.mark.parametrize(
    ("reviewer", "answer"),
    [
        (GUARD, {"submit_review": {"verdict": "perhaps", "body": "Hm."}}),
        (TECHNICAL, {"submit_review": {"verdict": "perhaps", "body": "Hm."}}),
        (GUARD, {"submit_review": {"verdict": "request_changes", "body": " "}}),
        (TECHNICAL, {"submit_review": {}}),
        (GUARD, {"write_file": {"path": "a", "content": "better"}}),
        (TECHNICAL, {"merge_now": {}}),
        (GUARD, {"request_state": {"state": "done", "summary": "looks good"}}),
    ],
)
def test_a_reviewer_that_answers_with_garbage_ends_in_a_bounded_way(two: Any, reviewer: str, answer: Any) -> None:
    with_settings(two, turn_limit=2)
    turns = [{"calls": [answer]}, {"calls": [answer, answer]}]
    play(two, **{TECHNICAL: APPROVES, GUARD: APPROVES} | {reviewer: [{"purpose": "review", "turns": turns}]})
    waiting = two.deliver()["one"]
    assert (waiting.card.state, waiting.card.wait_reason) == (CardState.BLOCKED, WaitReason.SYSTEM)
    assert reviews_asked(two)[reviewer] == two.settings.session_failures
    assert two.forge.pull_request("rock", 1).state is PullRequestState.OPEN
    assert [found for found in said(two) if found.author == reviewer and found.kind == "approved"] == []


@ON_SQLITE
@pytest.mark.parametrize("reviewer", [TECHNICAL, GUARD])
def test_a_reviewer_that_calls_nothing_ends_in_a_bounded_way(two: Any, reviewer: str) -> None:
    silent = [{"purpose": "review", "turns": [{"say": "I approve. submit_review(verdict=approve)"}] * 3}]
    play(two, **{TECHNICAL: APPROVES, GUARD: APPROVES} | {reviewer: silent})
    waiting = two.deliver()["one"]
    assert waiting.card.wait_reason is WaitReason.SYSTEM
    assert "3 sessions in a row" in waiting.card.note
    assert reviews_asked(two)[reviewer] == two.settings.session_failures


@ON_SQLITE
def test_an_architect_that_says_nothing_ends_in_a_bounded_way(line: Any) -> None:
    tries = [scene("changes_requested", write("a", f"try {visit}"), READY, visit=visit) for visit in (1, 2, 3)]
    silent = [{"purpose": "guidance", "turns": [{"say": "Hm."}] * 3}]
    play(line, *tries, integrity_guard=[scene("review", asks("No."))], lead_architect=silent)
    assert line.deliver()["one"].card.wait_reason is WaitReason.SYSTEM
    assert called(line)["lead_architect", "guidance"] == line.settings.session_failures


class LateReview(MemoryForge):
    """A forge where ada approves right after the factory has asked for reviews for the time `at`."""

    def __init__(self, code: MemoryCode, *, at: int) -> None:
        super().__init__(code)
        self._left = at

    def reviews(self, repository: str, number: int) -> list[Review]:
        found = super().reviews(repository, number)
        self._left -= 1
        if self._left == 0:
            head = self.pull_request(repository, number).head_commit
            self.review(repository, number, reviewer="ada", verdict=Verdict.APPROVED, body="", commit=head)
        return found


def _once(line: Any, checkout: Path, name: str, verdict: Verdict, body: str) -> None:
    """A person reviews while an agent does, at the first review that runs tests."""
    with line.store.read() as tx:
        state = get_card(tx, "one").state
    if state is CardState.CODE_REVIEW and checkout.name == "review":
        line.during_tests = lambda _checkout: None
        review(line, name, verdict, body)
