"""The facts of an issue on the line, and the steps that it can need next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orket_pipelines.agents.model import Outcome, Purpose
from orket_pipelines.cards.model import Card, CardState, WaitReason
from orket_pipelines.cards.transitions import GUARD
from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import Opinion, Rules, last_words
from orket_pipelines.verification.model import Suite, SuiteReport
from orket_pipelines.verification.suites import PROJECT

DEFAULT_AUTHOR = "coder"


class FeedbackKind(StrEnum):
    """What was said or found about a commit; the first four send the issue back to its author."""

    TESTS_FAILED = "tests_failed"
    CHANGES_REQUESTED = "changes_requested"
    CONFLICT = "conflict"
    MERGED_TESTS_FAILED = "merged_tests_failed"
    VERIFIED = "verified"
    VERIFICATION_FAILED = "verification_failed"
    APPROVED = "approved"
    GUIDANCE = "guidance"
    SESSION_FAILED = "session_failed"
    STUCK = "stuck"
    WAITED = "waited"
    REJECTED = "rejected"


ADVERSE = {
    FeedbackKind.TESTS_FAILED: Purpose.TESTS_FAILED,
    FeedbackKind.CHANGES_REQUESTED: Purpose.CHANGES_REQUESTED,
    FeedbackKind.CONFLICT: Purpose.CONFLICT,
    FeedbackKind.MERGED_TESTS_FAILED: Purpose.MERGED_TESTS_FAILED,
}
"""Which call of the author each of them leads to."""
VERDICTS = {FeedbackKind.APPROVED: Verdict.APPROVED, FeedbackKind.CHANGES_REQUESTED: Verdict.CHANGES_REQUESTED}
"""What of it was said in a review."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an issue, with a branch and a pull request of its own. Commits are None until they exist."""

    number: int
    repository: str
    branch: str
    base_commit: str
    head_commit: str | None
    pull_request: int | None
    merge_commit: str | None

    @property
    def head(self) -> str:
        """Where the branch stands."""
        return self.head_commit or self.base_commit


@dataclass(frozen=True, slots=True)
class Feedback:
    """One thing said about `commit`. `details` holds `session_id` where a session said it, `main` for a conflict,
    `failure` for tests that failed: the same for the same failure."""

    kind: FeedbackKind
    attempt: int
    commit: str
    author: str
    body: str
    details: dict[str, Any]
    at: int


def opinions(said: Iterable[Feedback]) -> list[Opinion]:
    """What of it was said in reviews, oldest first."""
    return [
        Opinion(found.author, VERDICTS[found.kind], found.commit, found.body)
        for found in said
        if found.kind in VERDICTS
    ]


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """A run of a suite on `commit`, on one of its occasions: head, merged, sandbox, regression, nightly.

    `id` None: it gets one. `ended_at` None: now. `artifacts` are what an event may tell of the files it left.
    """

    purpose: str
    commit: str
    report: SuiteReport
    started_at: int
    suite: Suite = PROJECT
    ended_at: int | None = None
    id: str | None = None
    sandbox_id: str | None = None
    artifacts: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """The last session of an issue. `outcome` is None while it runs."""

    id: str
    role: str
    purpose: Purpose
    subject_commit: str
    outcome: Outcome | None
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides what an issue needs next.

    `head_passed`: how the project's tests ended on the head commit; None where they did not run, or the card is past
    being tested.
    `visits` counts ended sessions by (role, purpose). `writers` are the roles whose work became commits.
    `owes_label`: something was refused, and the pull request does not say so yet.
    """

    card: Card
    attempt: Attempt | None = None
    feedback: tuple[Feedback, ...] = ()
    last_session: SessionFacts | None = None
    visits: dict[tuple[str, str], int] = field(default_factory=dict)
    writers: frozenset[str] = frozenset()
    head_passed: bool | None = None
    owes_label: bool = False

    @property
    def author(self) -> str:
        """The role that works on the card."""
        return self.card.seat or DEFAULT_AUTHOR

    @property
    def authors(self) -> frozenset[str]:
        """Whose reviews do not count: whoever has written for this issue, and whoever would."""
        return self.writers | {self.author}

    @property
    def guard_approved(self) -> bool:
        """Whether the guard's approval of the head is on record, which finishing the card takes."""
        said = last_words(opinions(self.about(self.attempt.head))) if self.attempt else {}
        return GUARD in said and said[GUARD].verdict is Verdict.APPROVED

    def about(self, commit: str) -> list[Feedback]:
        """What was said of one commit, oldest first."""
        return [found for found in self.feedback if found.commit == commit]

    def since(self, *marks: FeedbackKind) -> list[Feedback]:
        """What was said after the last of `marks`, oldest first."""
        positions = [index for index, found in enumerate(self.feedback) if found.kind in marks]
        return list(self.feedback[positions[-1] + 1 :]) if positions else list(self.feedback)

    @property
    def main_to_merge(self) -> str | None:
        """The main that the head does not get along with: both are merged for its author, and parents of the commit."""
        head = self.attempt.head if self.attempt else None
        told = [
            str(found.details["main"]) for found in self.feedback if found.commit == head and "main" in found.details
        ]
        return told[-1] if told else None


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that `next_step` heeds."""

    review: Rules
    rework_limit: int
    session_failures: int
    same_failures: int = 3


@dataclass(frozen=True, slots=True)
class StartAttempt:
    """Make the branch of attempt `number`, and bring the card to in_progress."""

    number: int


@dataclass(frozen=True, slots=True)
class CallAgent:
    """Let `role` work on the card."""

    role: str
    purpose: Purpose
    visit: int


@dataclass(frozen=True, slots=True)
class TakeOutcome:
    """Act on what the last session ended with."""

    session: SessionFacts
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Verify:
    """See the merged change at work: deploy main as it is now, run what the card declares, finish the card or not."""


@dataclass(frozen=True, slots=True)
class MoveOn:
    """Move the card; all that this needs is on record."""

    to: CardState


@dataclass(frozen=True, slots=True)
class RunHeadTests:
    """Run the project's tests on the head commit in a fresh checkout."""


@dataclass(frozen=True, slots=True)
class OpenPullRequest:
    """Propose the branch, and bring the card to code_review."""


@dataclass(frozen=True, slots=True)
class LabelRefusals:
    """Say on the pull request that something of the issue was refused."""


@dataclass(frozen=True, slots=True)
class Merge:
    """Go through the merge queue: build the merged tree, test it, move main."""


@dataclass(frozen=True, slots=True)
class AwaitReview:
    """The reviewers have approved, and `missing` people still have to: wait for them, unless they have by now."""

    missing: int


@dataclass(frozen=True, slots=True)
class Reject:
    """Close the pull request, write the requirements issue, and wait for a person."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Wait, because going on would only repeat what failed."""

    reason: WaitReason
    note: str


@dataclass(frozen=True, slots=True)
class Rest:
    """There is nothing to do: the card is final, or waits."""


Step = (
    StartAttempt
    | CallAgent
    | TakeOutcome
    | MoveOn
    | RunHeadTests
    | OpenPullRequest
    | LabelRefusals
    | Merge
    | Verify
    | AwaitReview
    | Reject
    | GiveUp
    | Rest
)


class Result(StrEnum):
    """How a delivery ended."""

    DONE = "done"
    CANCELED = "canceled"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one issue; `reason` says why where it is not done."""

    card: Card
    result: Result
    reason: str = ""
