"""Whatever reviewers, authors, tests, merges and people do: an issue comes to rest within bounds, and nothing is merged
without the approvals that its very patch needs.
"""

from collections.abc import Iterator
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orket_pipelines.agents.model import Purpose
from orket_pipelines.cards.model import CardState
from orket_pipelines.delivery.model import CallAgent, FeedbackKind, Limits, Merge, Reject
from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import Rules

from .review_world import World

GUARD, TECHNICAL, SECURITY = "integrity_guard", "technical_reviewer", "security_reviewer"
PEOPLE = ("ada", "bob")
DELIVERIES = 4
"""How often a person brings the card back after it came to wait."""
MEDDLING = 6
"""How often people review, in all."""
LIMITS = st.builds(
    Limits,
    review=st.builds(
        Rules,
        reviewers=st.lists(st.sampled_from([TECHNICAL, SECURITY]), unique=True).flatmap(
            lambda others: st.permutations([*others, GUARD]).map(tuple)
        ),
        required=st.none() | st.integers(1, 3),
        architect_at=st.integers(1, 3),
        reject_at=st.integers(4, 5),
    ),
    rework_limit=st.integers(1, 4),
    session_failures=st.integers(1, 3),
)
NUMBERS = st.lists(st.integers(0, 11), min_size=1, max_size=60)


def bound(limits: Limits) -> int:
    """Steps of one delivery: a round ends at a commit, and each call in it may fail as often as the limit allows; an
    author who is stuck is called anew after the architect.
    """
    rounds = limits.rework_limit + limits.review.reject_at + 2 + MEDDLING
    calls = len(limits.review.reviewers) + 5
    return rounds * (2 * calls * (limits.session_failures + 1) + 12)


class People:
    """Review now and then, while there is something to review."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers
        self._left = MEDDLING

    def __call__(self, world: World) -> None:
        number = next(self._numbers)
        if number < 9 or not world.is_proposed or self._left == 0:
            return
        self._left -= 1
        verdict = Verdict.APPROVED if number % 2 else Verdict.CHANGES_REQUESTED
        world.review(PEOPLE[next(self._numbers) % len(PEOPLE)], verdict)


def lived(limits: Limits, numbers: list[int], seat: str) -> World:
    """An issue and all its deliveries. The numbers come again and again, so that what can go on for ever does."""
    endless = cycle(numbers)
    world = World.of(limits, lambda _occasion: next(endless), seat=seat)
    people = People(cycle([*numbers[::-1], 10, 11, 9, 0, 1, 2]))
    for _ in range(DELIVERIES):
        world.run(people, bound=bound(limits))
        if world.state is CardState.DONE:
            break
        world.bring_back()
    return world


histories = given(limits=LIMITS, numbers=NUMBERS, seat=st.sampled_from(["coder", TECHNICAL]))
often = settings(max_examples=80)


@often
@histories
def test_nothing_is_merged_without_the_approvals_that_its_very_patch_needs(
    limits: Limits, numbers: list[int], seat: str
) -> None:
    for merged in lived(limits, numbers, seat).merged:
        approving = merged.approving - merged.authors
        eligible = set(limits.review.reviewers) - merged.authors
        assert GUARD in approving
        assert len(approving) >= (limits.review.required or len(eligible))
        assert not merged.objecting


@often
@histories
def test_no_author_is_called_to_review_its_own_work(limits: Limits, numbers: list[int], seat: str) -> None:
    world = lived(limits, numbers, seat)
    called = {step.role for step in world.taken if isinstance(step, CallAgent) and step.purpose is Purpose.REVIEW}
    assert not called & world.facts.authors
    assert called <= set(limits.review.reviewers)


@often
@histories
def test_the_architect_is_heard_before_the_limit_and_nothing_is_asked_for_after_it(
    limits: Limits, numbers: list[int], seat: str
) -> None:
    """Between two rejections, or before the first."""
    world = lived(limits, numbers, seat)
    asked: set[str] = set()
    for found in world.facts.feedback:
        if found.kind is FeedbackKind.CHANGES_REQUESTED:
            asked.add(found.commit)
        if found.kind is FeedbackKind.GUIDANCE and found.details["purpose"] == Purpose.GUIDANCE:
            assert len(asked) >= limits.review.architect_at
        if found.kind is FeedbackKind.REJECTED:
            assert len(asked) == limits.review.reject_at
            asked = set()
        assert len(asked) <= limits.review.reject_at
    rejections = sum(isinstance(step, Reject) for step in world.taken)
    assert rejections == sum(found.kind is FeedbackKind.REJECTED for found in world.facts.feedback)


@pytest.mark.parametrize(("verdict", "end"), [(0, CardState.DONE), (1, CardState.BLOCKED)])
def test_the_histories_come_to_merges_and_to_rejections(verdict: int, end: CardState) -> None:
    """Else the others would prove little."""
    limits = Limits(Rules((TECHNICAL, GUARD)), rework_limit=8, session_failures=3)
    world = World.of(limits, lambda occasion: verdict if occasion == "review" else 0, seat="coder")
    world.run(lambda _: None, bound=bound(limits))
    assert world.state is end
    steps = [type(step) for step in world.taken]
    assert (steps.count(Merge), steps.count(Reject)) == ((1, 0) if end is CardState.DONE else (0, 1))
