"""`next_step(facts)`: what an issue needs next, from what is on record alone.

No long-running function holds the program counter, so carrying on after a crash is the normal path.
"""

from collections.abc import Collection, Sequence
from itertools import takewhile

from orket_pipelines.agents.model import Purpose
from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.model import WaitReason as W
from orket_pipelines.cards.transitions import GUARD
from orket_pipelines.delivery.model import (
    ADVERSE,
    Attempt,
    AwaitReview,
    CallAgent,
    Facts,
    Feedback,
    FeedbackKind,
    GiveUp,
    LabelRefusals,
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
    opinions,
)
from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import Approved, Ask, AskPeople, Consequence, consequence, last_words, what_is_owed

ARCHITECT = "lead_architect"
ENDS = frozenset({FeedbackKind.REJECTED, FeedbackKind.VERIFICATION_FAILED})
"""What ends an attempt, so that work goes on with the next."""
CIRCLING = frozenset({FeedbackKind.STUCK, FeedbackKind.GUIDANCE, FeedbackKind.SESSION_FAILED})
"""What is said while an author does not get on; anything else is a step forward."""
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
    if facts.owes_label:
        return LabelRefusals()
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
    return _while_in_review(facts, attempt, limits)


def _begin_again(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    """After a rejection, or a verification that failed: a new branch from main as it is now."""
    if _reworks(facts) > limits.rework_limit:
        return GiveUp(W.INPUT, f"sent back more than {limits.rework_limit} times; the last: {_last(facts)[:200]}")
    return StartAttempt(attempt.number + 1)


def _while_in_progress(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    return _out_of_the_circle(facts) or _out_of_the_failure(facts, attempt, limits) or _work_on(facts, attempt, limits)


def _out_of_the_circle(facts: Facts) -> Step | None:
    """An author who is stuck is helped by the architect once, and then by a person."""
    said = facts.since(*(set(FeedbackKind) - CIRCLING))
    circles = [index for index, found in enumerate(said) if found.kind is FeedbackKind.STUCK]
    if len(circles) > 1:
        return GiveUp(W.INPUT, f"{said[circles[-1]].body}. The architect had advised; somebody must say how to go on")
    if circles and not any(found.kind is FeedbackKind.GUIDANCE for found in said[circles[-1] :]):
        return _call(facts, ARCHITECT, Purpose.STUCK)
    return None


def _out_of_the_failure(facts: Facts, attempt: Attempt, limits: Limits) -> Step | None:
    """What fails again and again in the same way is looked at by the architect, and then by a person."""
    same = _same_failures(facts)
    if len(same) < limits.same_failures or _has_news(facts, attempt):
        return None
    last = same[-1].body.partition("\n")[0]
    if len(same) > limits.same_failures:
        told = f"failed {len(same)} times in the same way, also after the architect's advice: {last}"
        return GiveUp(W.INPUT, f"{told} Somebody must say how to go on")
    since = takewhile(lambda found: "failure" not in found.details, reversed(facts.feedback))
    advised = any(found.kind is FeedbackKind.GUIDANCE for found in since)
    return None if advised else _call(facts, ARCHITECT, Purpose.STUCK)


def _has_news(facts: Facts, attempt: Attempt) -> bool:
    """Whether the author has committed since what failed."""
    return attempt.head_commit is not None and not _adverse(facts, attempt)


def _same_failures(facts: Facts) -> list[Feedback]:
    """The last failures of tests that are alike, oldest first; a wait or a rejection begins anew."""
    said = facts.since(FeedbackKind.REJECTED, FeedbackKind.WAITED)
    failures = [found for found in said if "failure" in found.details]
    same = takewhile(lambda found: found.details["failure"] == failures[-1].details["failure"], reversed(failures))
    return list(same)[::-1]


def _work_on(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    adverse = _adverse(facts, attempt)
    if not adverse and attempt.head_commit is not None:
        return MoveOn(CardState.READY_FOR_TESTING)
    if not adverse:
        failed = _end_of(facts, attempt.number - 1) is FeedbackKind.VERIFICATION_FAILED
        return _call(facts, facts.author, Purpose.VERIFICATION_FAILED if failed else Purpose.WORK)
    if _reworks(facts) > limits.rework_limit:
        last = adverse[-1].body[:200]
        return GiveUp(W.INPUT, f"{limits.rework_limit} failed test runs and conflicts; the last: {last}")
    if any(found.kind is FeedbackKind.CHANGES_REQUESTED for found in adverse):
        follows = consequence(_cycles(facts), limits.review, advised=_is_advised(facts))
        if follows is Consequence.REJECT:
            return Reject()
        if follows is Consequence.ARCHITECT:
            return _call(facts, ARCHITECT, Purpose.GUIDANCE)
    return _call(facts, facts.author, ADVERSE[_to_mend(adverse).kind])


def _while_testing(facts: Facts, attempt: Attempt) -> Step:
    if facts.head_passed is None:
        return RunHeadTests()
    if not facts.head_passed:
        return MoveOn(CardState.IN_PROGRESS)
    return OpenPullRequest() if attempt.pull_request is None else MoveOn(CardState.CODE_REVIEW)


def _while_in_review(facts: Facts, attempt: Attempt, limits: Limits) -> Step:
    if attempt.merge_commit is not None:
        return Verify()
    if _adverse(facts, attempt):
        return MoveOn(CardState.IN_PROGRESS)
    match what_is_owed(opinions(facts.about(attempt.head)), limits.review, authors=facts.authors):
        case Ask(reviewer):
            return _call(facts, reviewer, Purpose.REVIEW)
        case AskPeople(missing):
            return AwaitReview(missing)
        case Approved():
            return Merge()
        case _:
            return GiveUp(W.INPUT, f"{GUARD} works on it, and cannot approve its own work: give the card another seat")


def _call(facts: Facts, role: str, purpose: Purpose) -> CallAgent:
    return CallAgent(role, purpose, facts.visits.get((role, purpose), 0) + 1)


def _pending(facts: Facts, attempt: Attempt) -> SessionFacts | None:
    """The last session, where it has ended and nothing on record follows from it yet."""
    session = facts.last_session
    if session is None or session.outcome is None:
        return None
    if any(found.details.get("session_id") == session.id for found in facts.feedback):
        return None
    return session if session.subject_commit == attempt.head else None


def _adverse(facts: Facts, attempt: Attempt) -> list[Feedback]:
    """What sends the head back, oldest first; a request for changes that was taken back does not."""
    said = facts.about(attempt.head)
    last = last_words(opinions(said))
    taken_back = {name for name, opinion in last.items() if opinion.verdict is Verdict.APPROVED}
    return [found for found in said if found.kind in ADVERSE and not _is_from(found, taken_back)]


def _is_from(found: Feedback, reviewers: Collection[str]) -> bool:
    return found.kind is FeedbackKind.CHANGES_REQUESTED and found.author in reviewers


def _to_mend(adverse: Sequence[Feedback]) -> Feedback:
    """The finding that its author is called for: the one with main in it first, for that is merged for its author."""
    return next((found for found in reversed(adverse) if "main" in found.details), adverse[-1])


def _end_of(facts: Facts, number: int) -> FeedbackKind | None:
    """How an attempt ended, where that was not with the card's end."""
    return next((found.kind for found in facts.feedback if found.kind in ENDS and found.attempt == number), None)


def _is_advised(facts: Facts) -> bool:
    """Whether the architect has spoken about the reviews; help for who was stuck is something else."""
    said = (found for found in facts.since(FeedbackKind.REJECTED) if found.kind is FeedbackKind.GUIDANCE)
    return any(found.details.get("purpose") != Purpose.STUCK for found in said)


def _cycles(facts: Facts) -> int:
    """Two reviewers who ask for changes of one commit make one cycle."""
    asked = (found for found in facts.since(FeedbackKind.REJECTED) if found.kind is FeedbackKind.CHANGES_REQUESTED)
    return len({(found.attempt, found.commit) for found in asked})


def _reworks(facts: Facts) -> int:
    return sum(found.kind in SENT_BACK for found in facts.since(FeedbackKind.REJECTED, FeedbackKind.WAITED))


def _failed_sessions(facts: Facts) -> int:
    """Sessions without an outcome since anything else was said."""
    others = set(FeedbackKind) - {FeedbackKind.SESSION_FAILED}
    return len(facts.since(*others))


def _last(facts: Facts) -> str:
    return facts.feedback[-1].body
