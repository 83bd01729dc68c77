"""What an issue needs next, from what is on record."""

from dataclasses import replace

import pytest

from orket_pipelines.agents.model import Outcome, Purpose
from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.delivery.model import (
    Attempt,
    AwaitReview,
    CallAgent,
    Facts,
    Feedback,
    FeedbackKind,
    GiveUp,
    Limits,
    Merge,
    MoveOn,
    OpenPullRequest,
    Reject,
    Rest,
    RunHeadTests,
    SessionFacts,
    StartAttempt,
    TakeOutcome,
    Verify,
)
from orket_pipelines.delivery.next_step import next_step
from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import Rules

LIMITS = Limits(Rules(architect_at=3, reject_at=4), rework_limit=8, session_failures=3)
TECHNICAL = "technical_reviewer"
TWO = replace(LIMITS, review=Rules((TECHNICAL, "integrity_guard")))
FRESH = Attempt(1, "shop", "orket/default/a/1", "base", None, None, None)
COMMITTED = replace(FRESH, head_commit="head")
PROPOSED = replace(COMMITTED, pull_request=7)
MERGED = replace(PROPOSED, merge_commit="merge")


def facts(state: CardState, attempt: Attempt | None = None, *feedback: Feedback, **more: object) -> Facts:
    return Facts(Card("a", CardKind.ISSUE, "A", state), attempt, feedback, **more)  # type: ignore[arg-type]


def said(
    kind: FeedbackKind, commit: str = "head", attempt: int = 1, author: str = "integrity_guard", **details: str
) -> Feedback:
    return Feedback(kind, attempt, commit, author, "why", details, 0)


def ended(role: str, commit: str, **outcome: object) -> SessionFacts:
    return SessionFacts("s1", role, Purpose.WORK, commit, Outcome(**outcome), 1)  # type: ignore[arg-type]


def test_a_ready_card_gets_a_branch() -> None:
    assert next_step(facts(CardState.READY), LIMITS) == StartAttempt(1)


def test_a_new_branch_gets_its_author() -> None:
    card = facts(CardState.IN_PROGRESS, FRESH)
    assert next_step(card, LIMITS) == CallAgent("coder", Purpose.WORK, 1)


def test_the_card_s_seat_is_its_author() -> None:
    card = facts(CardState.IN_PROGRESS, FRESH)
    seated = replace(card, card=replace(card.card, seat="ux_artisan"))
    assert next_step(seated, LIMITS) == CallAgent("ux_artisan", Purpose.WORK, 1)


def test_what_a_session_ended_with_is_acted_on_before_anything_else() -> None:
    session = ended("coder", "base", request=CardState.READY_FOR_TESTING)
    step = next_step(facts(CardState.IN_PROGRESS, FRESH, last_session=session), LIMITS)
    assert step == TakeOutcome(session, Outcome(request=CardState.READY_FOR_TESTING))


def test_a_session_whose_work_is_committed_is_not_acted_on_again() -> None:
    session = ended("coder", "base", request=CardState.READY_FOR_TESTING)
    step = next_step(facts(CardState.READY_FOR_TESTING, COMMITTED, last_session=session), LIMITS)
    assert step == RunHeadTests()


def test_a_session_that_asked_to_wait_is_not_obeyed_twice() -> None:
    session = ended("coder", "base", request=CardState.BLOCKED, wait_reason=WaitReason.INPUT)
    waited = said(FeedbackKind.WAITED, "base", session_id="s1")
    back = facts(CardState.IN_PROGRESS, FRESH, waited, last_session=session, visits={("coder", Purpose.WORK): 1})
    assert next_step(back, LIMITS) == CallAgent("coder", Purpose.WORK, 2)


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [
        (FeedbackKind.TESTS_FAILED, Purpose.TESTS_FAILED),
        (FeedbackKind.CHANGES_REQUESTED, Purpose.CHANGES_REQUESTED),
        (FeedbackKind.CONFLICT, Purpose.CONFLICT),
        (FeedbackKind.MERGED_TESTS_FAILED, Purpose.MERGED_TESTS_FAILED),
    ],
)
def test_what_is_wrong_with_the_head_goes_back_to_its_author(kind: FeedbackKind, purpose: Purpose) -> None:
    card = facts(CardState.IN_PROGRESS, PROPOSED, said(kind))
    assert next_step(card, LIMITS) == CallAgent("coder", purpose, 1)


def test_what_was_wrong_with_an_older_commit_is_past() -> None:
    card = facts(CardState.IN_PROGRESS, PROPOSED, said(FeedbackKind.TESTS_FAILED, "older"))
    assert next_step(card, LIMITS) == MoveOn(CardState.READY_FOR_TESTING)


@pytest.mark.parametrize(
    ("attempt", "passed", "step"),
    [
        (COMMITTED, None, RunHeadTests()),
        (COMMITTED, False, MoveOn(CardState.IN_PROGRESS)),
        (COMMITTED, True, OpenPullRequest()),
        (PROPOSED, True, MoveOn(CardState.CODE_REVIEW)),
    ],
)
def test_a_commit_is_tested_and_then_proposed(attempt: Attempt, passed: bool | None, step: object) -> None:
    assert next_step(facts(CardState.READY_FOR_TESTING, attempt, head_passed=passed), LIMITS) == step


def test_a_proposal_is_reviewed_by_the_guard() -> None:
    card = facts(CardState.CODE_REVIEW, PROPOSED, head_passed=True)
    assert next_step(card, LIMITS) == CallAgent("integrity_guard", Purpose.REVIEW, 1)


def test_a_verdict_is_handed_to_the_forge() -> None:
    session = ended("integrity_guard", "head", verdict=Verdict.APPROVED)
    step = next_step(facts(CardState.CODE_REVIEW, PROPOSED, last_session=session), LIMITS)
    assert step == TakeOutcome(session, Outcome(verdict=Verdict.APPROVED))


def test_an_approved_head_is_merged() -> None:
    assert next_step(facts(CardState.CODE_REVIEW, PROPOSED, said(FeedbackKind.APPROVED)), LIMITS) == Merge()


def test_an_approval_of_an_older_head_merges_nothing() -> None:
    card = facts(CardState.CODE_REVIEW, PROPOSED, said(FeedbackKind.APPROVED, "older"))
    assert next_step(card, LIMITS) == CallAgent("integrity_guard", Purpose.REVIEW, 1)


def test_a_head_that_the_guard_has_not_approved_is_not_merged() -> None:
    approved = said(FeedbackKind.APPROVED, author="ada")
    assert next_step(facts(CardState.CODE_REVIEW, PROPOSED, approved), LIMITS) == CallAgent(
        "integrity_guard", Purpose.REVIEW, 1
    )


def test_each_of_two_reviewers_is_called_in_turn_and_has_its_own_visits() -> None:
    proposed = facts(CardState.CODE_REVIEW, PROPOSED, visits={(TECHNICAL, Purpose.REVIEW): 2})
    assert next_step(proposed, TWO) == CallAgent(TECHNICAL, Purpose.REVIEW, 3)
    approved = said(FeedbackKind.APPROVED, author=TECHNICAL)
    assert next_step(replace(proposed, feedback=(approved,)), TWO) == CallAgent("integrity_guard", Purpose.REVIEW, 1)
    assert next_step(replace(proposed, feedback=(approved, said(FeedbackKind.APPROVED))), TWO) == Merge()


def test_one_request_for_changes_sends_back_what_the_other_reviewer_approved() -> None:
    told = (said(FeedbackKind.APPROVED, author=TECHNICAL), said(FeedbackKind.CHANGES_REQUESTED))
    assert next_step(facts(CardState.CODE_REVIEW, PROPOSED, *told), TWO) == MoveOn(CardState.IN_PROGRESS)
    assert next_step(facts(CardState.IN_PROGRESS, PROPOSED, *told), TWO) == CallAgent(
        "coder", Purpose.CHANGES_REQUESTED, 1
    )


def test_two_requests_for_changes_of_one_commit_are_one_cycle() -> None:
    told = [
        said(FeedbackKind.CHANGES_REQUESTED, commit, author=who)
        for commit in ("one", "head")
        for who in ("ada", "integrity_guard")
    ]
    assert next_step(facts(CardState.IN_PROGRESS, PROPOSED, *told), LIMITS) == CallAgent(
        "coder", Purpose.CHANGES_REQUESTED, 1
    )


def test_a_request_for_changes_that_was_taken_back_sends_nothing_back() -> None:
    told = (
        said(FeedbackKind.CHANGES_REQUESTED, author="ada"),
        said(FeedbackKind.APPROVED, author="ada"),
        said(FeedbackKind.APPROVED),
    )
    assert next_step(facts(CardState.IN_PROGRESS, PROPOSED, *told), LIMITS) == MoveOn(CardState.READY_FOR_TESTING)
    assert next_step(facts(CardState.CODE_REVIEW, PROPOSED, *told), LIMITS) == Merge()


def test_who_has_written_for_an_issue_does_not_review_it() -> None:
    """The card changed its seat in between."""
    proposed = facts(CardState.CODE_REVIEW, PROPOSED, writers=frozenset({TECHNICAL}))
    assert next_step(proposed, TWO) == CallAgent("integrity_guard", Purpose.REVIEW, 1)
    approved = (said(FeedbackKind.APPROVED, author=TECHNICAL), said(FeedbackKind.APPROVED))
    three = replace(TWO, review=replace(TWO.review, required=2))
    assert next_step(replace(proposed, feedback=approved), three) == AwaitReview(1)


def test_what_the_guard_itself_writes_waits_for_another_seat() -> None:
    proposed = facts(CardState.CODE_REVIEW, PROPOSED, writers=frozenset({"integrity_guard"}))
    step = next_step(proposed, LIMITS)
    assert isinstance(step, GiveUp)
    assert step.reason is WaitReason.INPUT


def test_a_conflict_is_resolved_before_changes_that_were_asked_for_meanwhile() -> None:
    """Main is merged for its author then, and the commit must not drop it again."""
    told = (said(FeedbackKind.CONFLICT, main="main"), said(FeedbackKind.CHANGES_REQUESTED, author="ada"))
    assert next_step(facts(CardState.IN_PROGRESS, PROPOSED, *told), LIMITS) == CallAgent("coder", Purpose.CONFLICT, 1)


def test_an_approved_head_with_a_conflict_goes_back() -> None:
    card = facts(CardState.CODE_REVIEW, PROPOSED, said(FeedbackKind.APPROVED), said(FeedbackKind.CONFLICT))
    assert next_step(card, LIMITS) == MoveOn(CardState.IN_PROGRESS)


def test_what_is_merged_is_done() -> None:
    card = facts(CardState.CODE_REVIEW, MERGED, said(FeedbackKind.APPROVED))
    assert next_step(card, LIMITS) == Verify()


def test_the_third_request_for_changes_calls_the_architect_once() -> None:
    cycles = [said(FeedbackKind.CHANGES_REQUESTED, commit) for commit in ("one", "two", "head")]
    card = facts(CardState.IN_PROGRESS, PROPOSED, *cycles)
    assert next_step(card, LIMITS) == CallAgent("lead_architect", Purpose.GUIDANCE, 1)
    advised = replace(card, feedback=(*cycles, said(FeedbackKind.GUIDANCE)))
    assert next_step(advised, LIMITS) == CallAgent("coder", Purpose.CHANGES_REQUESTED, 1)


def test_the_fourth_request_for_changes_rejects() -> None:
    cycles = [said(FeedbackKind.CHANGES_REQUESTED, commit) for commit in ("one", "two", "three", "head")]
    assert next_step(facts(CardState.IN_PROGRESS, PROPOSED, *cycles), LIMITS) == Reject()


def test_after_a_rejection_a_new_attempt_starts_with_its_own_count() -> None:
    cycles = [said(FeedbackKind.CHANGES_REQUESTED, commit) for commit in ("one", "two", "three", "head")]
    rejected = (*cycles, said(FeedbackKind.REJECTED), said(FeedbackKind.WAITED))
    card = facts(CardState.IN_PROGRESS, PROPOSED, *rejected)
    assert next_step(card, LIMITS) == StartAttempt(2)
    second = replace(PROPOSED, number=2)
    again = (*rejected, said(FeedbackKind.CHANGES_REQUESTED, attempt=2))
    assert next_step(facts(CardState.IN_PROGRESS, second, *again), LIMITS) == CallAgent(
        "coder", Purpose.CHANGES_REQUESTED, 1
    )


def test_a_conflict_is_not_a_review_cycle() -> None:
    told = [said(FeedbackKind.CONFLICT, commit) for commit in ("one", "two", "three")]
    card = facts(CardState.IN_PROGRESS, PROPOSED, *told, said(FeedbackKind.CHANGES_REQUESTED))
    assert next_step(card, LIMITS) == CallAgent("coder", Purpose.CHANGES_REQUESTED, 1)


def test_endless_rework_ends_with_a_person() -> None:
    told = [said(FeedbackKind.TESTS_FAILED, "older") for _ in range(8)]
    step = next_step(facts(CardState.IN_PROGRESS, COMMITTED, *told, said(FeedbackKind.TESTS_FAILED)), LIMITS)
    assert isinstance(step, GiveUp)
    assert step.reason is WaitReason.INPUT


@pytest.mark.parametrize("state", [CardState.IN_PROGRESS, CardState.CODE_REVIEW])
def test_a_role_that_stays_silent_ends_bounded(state: CardState) -> None:
    told = [said(FeedbackKind.SESSION_FAILED, session_id=str(number)) for number in range(3)]
    step = next_step(facts(state, PROPOSED, *told), LIMITS)
    assert isinstance(step, GiveUp)
    assert step.reason is WaitReason.SYSTEM
    back = next_step(facts(CardState.IN_PROGRESS, PROPOSED, *told, said(FeedbackKind.WAITED)), LIMITS)
    assert back == MoveOn(CardState.READY_FOR_TESTING)


@pytest.mark.parametrize(
    "state", [CardState.BLOCKED, CardState.WAITING_FOR_DEVELOPER, CardState.DONE, CardState.CANCELED]
)
def test_a_card_that_waits_or_is_final_rests(state: CardState) -> None:
    assert next_step(facts(state, MERGED), LIMITS) == Rest()


def test_what_failed_at_work_goes_on_with_a_new_attempt_from_main() -> None:
    failed = said(FeedbackKind.VERIFICATION_FAILED)
    assert next_step(facts(CardState.IN_PROGRESS, MERGED, failed), LIMITS) == StartAttempt(2)


def test_the_author_of_a_new_attempt_is_told_that_the_last_one_failed_at_work() -> None:
    failed = said(FeedbackKind.VERIFICATION_FAILED)
    again = replace(FRESH, number=2, base_commit="main")
    expected = CallAgent("coder", Purpose.VERIFICATION_FAILED, 1)
    assert next_step(facts(CardState.IN_PROGRESS, again, failed), LIMITS) == expected


def test_a_merged_change_whose_card_waited_meanwhile_is_verified_without_being_made_again() -> None:
    """The engine was gone; the card comes back as in_progress."""
    waited = said(FeedbackKind.WAITED)
    assert next_step(facts(CardState.IN_PROGRESS, MERGED, waited), LIMITS) == MoveOn(CardState.READY_FOR_TESTING)
    tested = facts(CardState.READY_FOR_TESTING, MERGED, waited, head_passed=True)
    assert next_step(tested, LIMITS) == MoveOn(CardState.CODE_REVIEW)
    assert next_step(facts(CardState.CODE_REVIEW, MERGED, waited), LIMITS) == Verify()


def test_what_fails_at_work_again_and_again_is_left_to_a_person() -> None:
    failed = [said(FeedbackKind.VERIFICATION_FAILED, attempt=number) for number in range(1, 10)]
    step = next_step(facts(CardState.IN_PROGRESS, replace(MERGED, number=9), *failed), LIMITS)
    assert isinstance(step, GiveUp)
    assert step.reason is WaitReason.INPUT


SAME = {"failure": "f1"}
FAILED_THREE_TIMES = tuple(said(FeedbackKind.TESTS_FAILED, attempt=1, **SAME) for _ in range(3))
ADVICE = said(FeedbackKind.GUIDANCE, session_id="s9", purpose=Purpose.STUCK)


@pytest.mark.parametrize(
    ("feedback", "step"),
    [
        (FAILED_THREE_TIMES[:2], CallAgent("coder", Purpose.TESTS_FAILED, 1)),
        (FAILED_THREE_TIMES, CallAgent("lead_architect", Purpose.STUCK, 1)),
        ((*FAILED_THREE_TIMES, ADVICE), CallAgent("coder", Purpose.TESTS_FAILED, 1)),
        (
            (*FAILED_THREE_TIMES[:2], said(FeedbackKind.TESTS_FAILED, failure="f2"), *FAILED_THREE_TIMES[:2]),
            CallAgent("coder", Purpose.TESTS_FAILED, 1),
        ),
        ((*FAILED_THREE_TIMES, said(FeedbackKind.WAITED)), CallAgent("coder", Purpose.TESTS_FAILED, 1)),
    ],
)
def test_the_third_failure_alike_calls_the_architect(feedback: tuple[Feedback, ...], step: CallAgent) -> None:
    assert next_step(facts(CardState.IN_PROGRESS, COMMITTED, *feedback), LIMITS) == step


def test_a_failure_that_advice_did_not_mend_waits_for_a_person() -> None:
    said_so_far = (*FAILED_THREE_TIMES, ADVICE, FAILED_THREE_TIMES[0])
    step = next_step(facts(CardState.IN_PROGRESS, COMMITTED, *said_so_far), LIMITS)
    told = "failed 4 times in the same way, also after the architect's advice: why Somebody must say how to go on"
    assert step == GiveUp(WaitReason.INPUT, told)


def test_what_was_committed_since_is_tested_before_anybody_is_called() -> None:
    newer = replace(COMMITTED, head_commit="newer")
    assert next_step(facts(CardState.IN_PROGRESS, newer, *FAILED_THREE_TIMES), LIMITS) == MoveOn(
        CardState.READY_FOR_TESTING
    )
