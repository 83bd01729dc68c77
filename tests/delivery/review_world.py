"""A world in which an issue goes its way step by step: `next_step` decides, and whatever may follow from a step does.

Nothing but facts: no store, no git, no sessions. What a step does is what its performer writes on record.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

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
    Step,
    TakeOutcome,
    Verify,
    opinions,
)
from orket_pipelines.delivery.next_step import next_step
from orket_pipelines.forge.approval import find_objection
from orket_pipelines.forge.model import Review, Verdict
from orket_pipelines.review import unheard

T = TypeVar("T")
Choose = Callable[[str], int]
"""Decides what happens: a number for an occasion, taken modulo the things that can."""
KINDS = {Verdict.APPROVED: FeedbackKind.APPROVED, Verdict.CHANGES_REQUESTED: FeedbackKind.CHANGES_REQUESTED}


@dataclass(frozen=True)
class Merged:
    """What was on record when a head was merged. `approving` and `objecting` are accounts, by their last word on the
    forge about its very patch; `authors` are those of the issue."""

    approving: frozenset[str]
    objecting: frozenset[str]
    authors: frozenset[str]


@dataclass
class World:
    """`patches` names the patch of each commit, `tested` says how its tests went; `reviews` are the forge's."""

    limits: Limits
    choose: Choose
    facts: Facts
    patches: dict[str, int] = field(default_factory=dict)
    tested: dict[str, bool] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    sessions: int = 0
    merged: list[Merged] = field(default_factory=list)
    taken: list[Step] = field(default_factory=list)

    @classmethod
    def of(cls, limits: Limits, choose: Choose, *, seat: str) -> "World":
        """A card that is ready, and its author."""
        return cls(limits, choose, Facts(Card("a", CardKind.ISSUE, "A", CardState.READY, seat=seat)))

    @property
    def attempt(self) -> Attempt:
        assert self.facts.attempt is not None
        return self.facts.attempt

    @property
    def head(self) -> str:
        return self.attempt.head

    @property
    def state(self) -> CardState:
        return self.facts.card.state

    @property
    def is_proposed(self) -> bool:
        attempt = self.facts.attempt
        return attempt is not None and attempt.pull_request is not None and attempt.merge_commit is None

    def run(self, interfere: Callable[["World"], None], *, bound: int) -> None:
        """Until the card rests. `interfere` is what people do between two steps."""
        for _ in range(bound):
            step = next_step(self._as_looked_at(), self.limits)
            if isinstance(step, Rest):
                return
            self.taken.append(step)
            self._take(step)
            interfere(self)
        raise AssertionError(f"not at rest after {bound} steps")

    def on_forge(self) -> list[Review]:
        """The reviews of the open pull request, stale as a forge says it."""
        patch = self.patches.get(self.head)
        return [replace(found, stale=self.patches[found.commit] != patch) for found in self.reviews]

    def bring_back(self) -> None:
        self._move(CardState.IN_PROGRESS)

    def review(self, name: str, verdict: Verdict) -> None:
        self.reviews.append(Review(name, verdict, "why", self.head, stale=False, at=0))

    def _as_looked_at(self) -> Facts:
        testing = self.state is CardState.READY_FOR_TESTING
        passed = self.tested.get(self.head) if testing else None
        return replace(self.facts, head_passed=passed)

    def _take(self, step: Step) -> None:
        performers: dict[type, Callable[[Any], object]] = {
            StartAttempt: lambda step: self._start(step.number),
            CallAgent: self._call,
            TakeOutcome: lambda step: self._take_outcome(step.session, step.outcome),
            MoveOn: lambda step: self._move(step.to),
            RunHeadTests: lambda _: self._test_head(),
            OpenPullRequest: lambda _: self._propose(),
            Merge: lambda _: self._merge(),
            Verify: lambda _: self._verify(),
            AwaitReview: lambda _: self._await_people(),
            Reject: lambda _: self._reject(),
            GiveUp: lambda step: self._wait(step.reason),
        }
        performers[type(step)](step)

    def _start(self, number: int) -> None:
        base = f"base-{number}"
        self.patches[base] = -number
        self.reviews = []
        self.facts = replace(self.facts, attempt=Attempt(number, "r", "b", base, None, None, None))
        if self.state is CardState.READY:
            self._move(CardState.IN_PROGRESS)

    def _call(self, call: CallAgent) -> None:
        if self._take_in():
            return
        self.sessions += 1
        ended = SessionFacts(f"s{self.sessions}", call.role, call.purpose, self.head, self._outcome(call), 1)
        key = (call.role, str(call.purpose))
        visits = {**self.facts.visits, key: self.facts.visits.get(key, 0) + 1}
        wrote = {call.role} if ended.outcome and ended.outcome.request is CardState.READY_FOR_TESTING else set()
        self.facts = replace(self.facts, last_session=ended, visits=visits, writers=self.facts.writers | wrote)

    def _outcome(self, call: CallAgent) -> Outcome:
        failed = Outcome(failure="it said nothing")
        if call.purpose is Purpose.REVIEW:
            asks = Outcome(verdict=Verdict.CHANGES_REQUESTED, text="no")
            return self._one("review", [Outcome(verdict=Verdict.APPROVED), asks, failed])
        if call.purpose in {Purpose.GUIDANCE, Purpose.STUCK}:
            return self._one("guidance", [Outcome(guidance=True, text="so"), failed])
        blocked = Outcome(request=CardState.BLOCKED, wait_reason=WaitReason.INPUT)
        ready = Outcome(request=CardState.READY_FOR_TESTING)
        stuck = Outcome(failure="round and round", stuck=True)
        return self._one("work", [ready, ready, ready, failed, blocked, stuck])

    def _take_outcome(self, session: SessionFacts, outcome: Outcome) -> None:
        told = {"session_id": session.id, "purpose": str(session.purpose)}
        if outcome.request is CardState.READY_FOR_TESTING:
            self._commit(session)
        elif outcome.request is not None:
            self._wait(WaitReason.INPUT, **told)
        elif outcome.verdict is not None:
            self.review(session.role, outcome.verdict)
            self._say(KINDS[outcome.verdict], session.role, **told)
            self._send_back(outcome.verdict)
        else:
            failed = FeedbackKind.STUCK if outcome.stuck else FeedbackKind.SESSION_FAILED
            self._say(FeedbackKind.GUIDANCE if outcome.guidance else failed, session.role, **told)

    def _commit(self, session: SessionFacts) -> None:
        """A commit of another patch, of the same, or of one that there was before."""
        commit = f"{session.id}-commit"
        patch = self._one("patch", [len(self.patches), self.patches[self.head], *sorted(set(self.patches.values()))])
        self.patches[commit] = max(patch, 1)
        self._set(head_commit=commit)
        self._move(CardState.READY_FOR_TESTING)

    def _test_head(self) -> None:
        self.tested[self.head] = self._one("tests", [True, True, False])
        if not self.tested[self.head]:
            self._say(FeedbackKind.TESTS_FAILED, "system")
            self._move(CardState.IN_PROGRESS)

    def _propose(self) -> None:
        self._set(pull_request=self.attempt.number)
        self._move(CardState.CODE_REVIEW)

    def _reject(self) -> None:
        self._say(FeedbackKind.REJECTED, "system")
        self._wait(WaitReason.INPUT)

    def _merge(self) -> None:
        found = self._one("merge", [None, None, FeedbackKind.CONFLICT, FeedbackKind.MERGED_TESTS_FAILED])
        if found is not None:
            self._say(found, "system", main="main")
            self._move(CardState.IN_PROGRESS)
        elif find_objection(self.on_forge()) is None:
            self.merged.append(self._record())
            self._set(merge_commit=f"merge of {self.head}")
        else:
            self._await_people()

    def _record(self) -> Merged:
        words = {found.reviewer: found.verdict for found in self.on_forge() if not found.stale}
        by = {verdict: frozenset(name for name in words if words[name] is verdict) for verdict in Verdict}
        return Merged(by[Verdict.APPROVED], by[Verdict.CHANGES_REQUESTED], self.facts.authors)

    def _verify(self) -> None:
        if self._one("verify", [True, False]):
            self._move(CardState.DONE)
        else:
            self._say(FeedbackKind.VERIFICATION_FAILED, "system")
            self._move(CardState.IN_PROGRESS)

    def _take_in(self) -> bool:
        if not self.is_proposed:
            return False
        heard = opinions(self.facts.about(self.head))
        news = unheard(self.on_forge(), heard, head=self.head, authors=self.facts.authors)
        for review in news:
            self._say(KINDS[review.verdict], review.reviewer)
            self._send_back(review.verdict)
        return bool(news)

    def _await_people(self) -> None:
        if not self._take_in():
            self._wait(WaitReason.REVIEW)

    def _send_back(self, verdict: Verdict) -> None:
        if verdict is Verdict.CHANGES_REQUESTED and self.state is CardState.CODE_REVIEW:
            self._move(CardState.IN_PROGRESS)

    def _wait(self, reason: WaitReason, **told: str) -> None:
        self._say(FeedbackKind.WAITED, "system", **told)
        self.facts = replace(self.facts, card=replace(self.facts.card, state=CardState.BLOCKED, wait_reason=reason))

    def _say(self, kind: FeedbackKind, author: str, **details: str) -> None:
        said = Feedback(kind, self.attempt.number, self.head, author, "why", dict(details), 0)
        self.facts = replace(self.facts, feedback=(*self.facts.feedback, said))

    def _move(self, to: CardState) -> None:
        self.facts = replace(self.facts, card=replace(self.facts.card, state=to, wait_reason=None))

    def _set(self, **values: int | str) -> None:
        self.facts = replace(self.facts, attempt=replace(self.attempt, **values))  # type: ignore[arg-type]

    def _one(self, occasion: str, things: Collection[T]) -> T:
        return list(things)[self.choose(occasion) % len(things)]
