"""What a forge knows that is not on record yet."""

import pytest

from orket_pipelines.forge.model import Review, Verdict
from orket_pipelines.review import Opinion, unheard

APPROVED, CHANGES, COMMENTED = Verdict.APPROVED, Verdict.CHANGES_REQUESTED, Verdict.COMMENTED


def review(reviewer: str, verdict: Verdict, commit: str = "head", *, stale: bool = False) -> Review:
    return Review(reviewer, verdict, "why", commit, stale, 0)


def heard(*reviews: Review, on_record: list[Opinion] | None = None) -> list[Review]:
    return unheard(reviews, on_record or [], head="head", authors={"coder"})


@pytest.mark.parametrize("verdict", [APPROVED, CHANGES])
def test_a_person_s_review_of_the_head_is_news_once(verdict: Verdict) -> None:
    found = review("ada", verdict)
    assert heard(found) == [found]
    assert heard(found, on_record=[Opinion("ada", verdict, "head")]) == []


def test_an_approval_of_the_same_patch_is_kept() -> None:
    kept = review("integrity_guard", APPROVED, "older")
    assert heard(kept) == [kept]


def test_an_approval_of_another_patch_is_void() -> None:
    assert heard(review("integrity_guard", APPROVED, "older", stale=True)) == []


def test_a_request_for_changes_holds_for_its_own_commit_alone() -> None:
    """Whoever asked is asked again, though the patch is the same."""
    assert heard(review("ada", CHANGES, "older")) == []
    assert heard(review("ada", APPROVED, "older"), review("ada", CHANGES, "older")) == []


def test_only_the_last_word_of_each_account_is_heard() -> None:
    last = review("ada", APPROVED)
    bob = review("bob", CHANGES)
    assert heard(review("ada", CHANGES), last, bob, review("ada", COMMENTED)) == [last, bob]


def test_a_word_taken_back_is_news_again() -> None:
    found = review("ada", APPROVED)
    assert heard(found, on_record=[Opinion("ada", CHANGES, "head")]) == [found]


def test_an_approval_void_by_a_later_request_is_not_revived_by_the_older_patch() -> None:
    assert heard(review("ada", APPROVED, "first"), review("ada", CHANGES, "second", stale=True)) == []


def test_the_author_s_own_account_is_not_heard() -> None:
    assert heard(review("coder", APPROVED)) == []
