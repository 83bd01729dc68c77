"""Whose word a patch still needs."""

import pytest

from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import (
    Approved,
    Ask,
    AskPeople,
    Opinion,
    Owed,
    Rules,
    Unreviewable,
    awaited,
    last_words,
    what_is_owed,
)

GUARD, TECHNICAL, SECURITY = "integrity_guard", "technical_reviewer", "security_reviewer"
ALONE = Rules()
BOTH = Rules((TECHNICAL, GUARD))
THREE = Rules((TECHNICAL, SECURITY, GUARD))


def approved_by(*names: str) -> list[Opinion]:
    return [Opinion(name, Verdict.APPROVED, "head") for name in names]


@pytest.mark.parametrize(
    ("rules", "approved", "owed"),
    [
        (ALONE, [], Ask(GUARD)),
        (ALONE, [GUARD], Approved()),
        (ALONE, ["ada"], Ask(GUARD)),
        (BOTH, [], Ask(TECHNICAL)),
        (BOTH, [TECHNICAL], Ask(GUARD)),
        (BOTH, [GUARD], Ask(TECHNICAL)),
        (BOTH, [TECHNICAL, GUARD], Approved()),
        (BOTH, ["ada"], Ask(GUARD)),
        (BOTH, ["ada", GUARD], Approved()),
        (Rules((GUARD, TECHNICAL)), [], Ask(GUARD)),
        (Rules((TECHNICAL, GUARD), required=1), [], Ask(GUARD)),
        (Rules((TECHNICAL, GUARD), required=1), [TECHNICAL], Ask(GUARD)),
        (Rules(THREE.reviewers, required=2), [TECHNICAL], Ask(GUARD)),
        (Rules(THREE.reviewers, required=2), [TECHNICAL, GUARD], Approved()),
        (THREE, [TECHNICAL, GUARD], Ask(SECURITY)),
        (Rules((GUARD,), required=3), [GUARD], AskPeople(2)),
        (Rules((GUARD,), required=3), ["ada", GUARD], AskPeople(1)),
        (Rules((GUARD,), required=2), ["ada"], Ask(GUARD)),
        (Rules((GUARD,), required=2), ["ada", GUARD], Approved()),
    ],
)
def test_reviewers_are_asked_in_their_order_until_enough_have_approved(
    rules: Rules, approved: list[str], owed: Owed
) -> None:
    assert what_is_owed(approved_by(*approved), rules, authors={"coder"}) == owed


@pytest.mark.parametrize("count", range(4))
def test_nothing_is_approved_without_the_guard(count: int) -> None:
    people = approved_by(TECHNICAL, SECURITY, "ada", "bob")
    rules = Rules(THREE.reviewers, required=count or None)
    assert what_is_owed(people, rules, authors={"coder"}) == Ask(GUARD)


def test_an_author_neither_counts_nor_is_asked() -> None:
    assert what_is_owed(approved_by(TECHNICAL), BOTH, authors={TECHNICAL}) == Ask(GUARD)
    assert what_is_owed(approved_by(TECHNICAL, GUARD), BOTH, authors={TECHNICAL}) == Approved()
    required = Rules((TECHNICAL, GUARD), required=2)
    assert what_is_owed(approved_by(TECHNICAL, GUARD), required, authors={TECHNICAL}) == AskPeople(1)


def test_what_the_guard_wrote_nobody_can_approve() -> None:
    assert what_is_owed(approved_by("ada", TECHNICAL), ALONE, authors={GUARD}) == Unreviewable()


def test_the_last_word_counts_and_a_comment_takes_nothing_back() -> None:
    verdicts = (Verdict.CHANGES_REQUESTED, Verdict.APPROVED, Verdict.COMMENTED)
    said = [Opinion(GUARD, verdict, "head") for verdict in verdicts]
    assert {name: opinion.verdict for name, opinion in last_words(said).items()} == {GUARD: Verdict.APPROVED}
    assert what_is_owed(said, ALONE, authors=()) == Approved()


def test_an_approval_that_was_taken_back_is_owed_again() -> None:
    said = [Opinion(TECHNICAL, verdict, "head") for verdict in (Verdict.APPROVED, Verdict.CHANGES_REQUESTED)]
    assert what_is_owed(said, BOTH, authors=()) == Ask(TECHNICAL)


@pytest.mark.parametrize(
    ("owed", "told"),
    [
        (Ask(TECHNICAL), TECHNICAL),
        (AskPeople(1), "a person"),
        (AskPeople(2), "2 people"),
        (Unreviewable(), "another author"),
        (Approved(), None),
    ],
)
def test_it_is_told_whose_review_is_awaited(owed: Owed, told: str | None) -> None:
    assert awaited(owed) == told
