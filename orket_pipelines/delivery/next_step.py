"""`next_step(facts)`: what an issue needs next, from what is on record alone.

No long-running function holds the program counter, so carrying on after a crash is the normal path.
"""

from collections.abc import Iterable

from orket_pipelines.agents.model import Purpose
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.model import WaitReason as W
from orket_pipelines.delivery.model import (
    ADVERSE,
    Attempt,
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
    Step,
    TakeOutcome,
    Verify,
)
from orket_pipelines.review import Consequence, consequence

DEFAULT_AUTHOR = "coder"
REVIEWER = "integrity_guard"
ARCHITECT = "lead_architect"
ENDS = frozenset({FeedbackKind.REJECTED, FeedbackKind.VERIFICATION_FAILED})
"""What ends an attempt, so that work goes on with the next."""
SENT_BACK = frozenset(
    {
        FeedbackKind.TESTS_FAILED,
        FeedbackKind.CONFLICT,
        FeedbackKind.MERGED_TESTS_FAILED,
        FeedbackKind.VERIFICATION_FAILED,
    }
)
"""What counts towards the limit of reworks; review cycles have their own."""


def next_step(facts: Facts, limits: Limits) -> Step:
    """The one thing to do next for this issue."""
    state = facts.card.state
    if state is CardState.READY:
        return StartAttempt(facts.card.attempt)
    if state not in {CardState.IN_PROGRESS, CardState.READY_FOR_TESTING, CardState.CODE_REVIEW}:
        return Rest()
    attempt = facts.attempt
    if attempt is None:
        return StartAttempt(facts.card.attempt)
    if _end_of(facts, attempt.number) is not None:
        return _begin_again(facts, attempt, limits)
    pending = _pending(facts, attempt)
    if pending is not None and pending.outcome is not None:
        return TakeOutcome(pending, pending.outcome)
    if _failed_sessions(facts) >= limits.session_failures:
        return GiveUp(W.SYSTEM, f"{limits.session_failures} sessions in a row ended without an outcome: {_last(facts)}")
    return _by_state(facts, attempt, limits)


def _by_state(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    if facts.card.state is CardState.IN_PROGRESS:
        return _while_in_progress(facts, attempt, limits)
    if facts.card.state is CardState.READY_FOR_TESTING:
        return _while_testing(facts, attempt)
    return _while_in_review(facts, attempt)


def _begin_again(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    """After a rejection, or a verification that failed: a new branch from main as it is now."""
    if _reworks(facts) > limits.rework_limit:
        return GiveUp(W.INPUT, f"sent back more than {limits.rework_limit} times; the last: {_last(facts)[:200]}")
    return StartAttempt(attempt.number + 1)


def _while_in_progress(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    verdict = _adverse(facts, attempt)
    if verdict is None and attempt.head_commit is not None:
        return MoveOn(CardState.READY_FOR_TESTING)
    if verdict is None:
        failed = _end_of(facts, attempt.number - 1) is FeedbackKind.VERIFICATION_FAILED
        return _call(facts, _author(facts), Purpose.VERIFICATION_FAILED if failed else Purpose.WORK)
    if _reworks(facts) > limits.rework_limit:
        return GiveUp(W.INPUT, f"{limits.rework_limit} failed test runs and conflicts; the last: {verdict.body[:200]}")
    if verdict.kind is FeedbackKind.CHANGES_REQUESTED:
        follows = consequence(_cycles(facts), architect_at=limits.architect_at, reject_at=limits.reject_at)
        if follows is Consequence.REJECT:
            return Reject()
        if follows is Consequence.ARCHITECT and not _advised(facts, attempt):
            return _call(facts, ARCHITECT, Purpose.GUIDANCE)
    return _call(facts, _author(facts), ADVERSE[verdict.kind])


def _while_testing(facts: Facts, attempt: Attempt) -> Step:
    if facts.head_passed is None:
        return RunHeadTests()
    if not facts.head_passed:
        return MoveOn(CardState.IN_PROGRESS)
    return OpenPullRequest() if attempt.pull_request is None else MoveOn(CardState.CODE_REVIEW)


def _while_in_review(facts: Facts, attempt: Attempt) -> Step:
    if attempt.merge_commit is not None:
        return Verify()
    if _adverse(facts, attempt) is not None:
        return MoveOn(CardState.IN_PROGRESS)
    if any(found.kind is FeedbackKind.APPROVED for found in _about(facts, attempt.head)):
        return Merge()
    return _call(facts, REVIEWER, Purpose.REVIEW)


def _call(facts: Facts, role: str, purpose: Purpose) -> CallAgent:
    return CallAgent(role, purpose, facts.visits.get((role, purpose), 0) + 1)


def _author(facts: Facts) -> str:
    return facts.card.seat or DEFAULT_AUTHOR


def _pending(facts: Facts, attempt: Attempt) -> SessionFacts | None:
    """The last session, where it has ended and nothing on record follows from it yet."""
    session = facts.last_session
    if session is None or session.outcome is None:
        return None
    if any(found.details.get("session_id") == session.id for found in facts.feedback):
        return None
    return session if session.subject_commit == attempt.head else None


def _about(facts: Facts, commit: str) -> list[Feedback]:
    return [found for found in facts.feedback if found.commit == commit]


def _adverse(facts: Facts, attempt: Attempt) -> Feedback | None:
    """The last thing said about the head that sends it back."""
    return next((found for found in reversed(_about(facts, attempt.head)) if found.kind in ADVERSE), None)


def _end_of(facts: Facts, number: int) -> FeedbackKind | None:
    """How an attempt ended, where that was not with the card's end."""
    return next((found.kind for found in facts.feedback if found.kind in ENDS and found.attempt == number), None)


def _advised(facts: Facts, attempt: Attempt) -> bool:
    return any(found.kind is FeedbackKind.GUIDANCE for found in _about(facts, attempt.head))


def _since(facts: Facts, marks: Iterable[FeedbackKind]) -> list[Feedback]:
    """What was said after the last of `marks`."""
    positions = [index for index, found in enumerate(facts.feedback) if found.kind in marks]
    return list(facts.feedback[positions[-1] + 1 :]) if positions else list(facts.feedback)


def _cycles(facts: Facts) -> int:
    said = _since(facts, {FeedbackKind.REJECTED})
    return sum(found.kind is FeedbackKind.CHANGES_REQUESTED for found in said)


def _reworks(facts: Facts) -> int:
    return sum(found.kind in SENT_BACK for found in _since(facts, {FeedbackKind.REJECTED, FeedbackKind.WAITED}))


def _failed_sessions(facts: Facts) -> int:
    """Sessions without an outcome since anything else was said."""
    others = set(FeedbackKind) - {FeedbackKind.SESSION_FAILED}
    return len(_since(facts, others))


def _last(facts: Facts) -> str:
    return facts.feedback[-1].body
