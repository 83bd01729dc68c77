"""What Dagster is told of reviews: of each reviewer apart, of this very patch, and of whom is awaited."""

from collections.abc import Sequence
from typing import Any

import pytest
from dagster import AssetCheckSeverity

from assets.history import History, follow
from assets.model import Judged, Made, Report
from assets.reports import reports_of
from orket_pipelines.store import Event

GUARD, TECHNICAL = "integrity_guard", "technical_reviewer"
ERROR, WARN = AssetCheckSeverity.ERROR, AssetCheckSeverity.WARN


def event(kind: str, **payload: Any) -> Event:
    return Event(0, "id", "default", kind, 1, 0, "system", None, None, "cart", payload)


def committed(commit: str) -> Event:
    return event("code.committed", commit=commit, message="The cart", branch="b")


def reviewed(reviewer: str, verdict: str, commit: str, awaits: str | None = None) -> Event:
    told = {"reviewer": reviewer, "verdict": verdict, "commit": commit, "body": f"{reviewer} says so", "awaits": awaits}
    return event("pull_request.reviewed", **told, number=1, repository="shop")


def kept(reviewer: str, commit: str, awaits: str | None = None) -> Event:
    told = {"reviewer": reviewer, "verdict": "approved", "commit": commit, "body": "the same patch", "awaits": awaits}
    return event("pull_request.approval_kept", **told, approved="older", number=1, repository="shop")


BEGINNING = (
    event("attempt.started", attempt=1, repository="shop", branch="b", base_commit="base"),
    committed("one"),
    event("pull_request.opened", number=1, repository="shop", head="b", commit="one"),
)
MERGED = event("pull_request.merged", number=1, repository="shop", head="two", merge_commit="m")


def told(events: Sequence[Event]) -> list[Report]:
    """What the last event leads to."""
    history = History("cart", rock_id="shop")
    for each in (*BEGINNING, *events):
        history = follow(history, each)
    return reports_of((*BEGINNING, *events)[-1], history)


def judged(*events: Event) -> Judged | None:
    return next((report for report in told(events) if isinstance(report, Judged)), None)


@pytest.mark.parametrize(
    ("events", "passed", "severity", "description"),
    [
        (
            [reviewed(TECHNICAL, "approved", "one", GUARD)],
            False,
            WARN,
            f"{TECHNICAL}: approved. {TECHNICAL} says so; awaits {GUARD}",
        ),
        (
            [reviewed(TECHNICAL, "approved", "one", GUARD), reviewed(GUARD, "approved", "one")],
            True,
            WARN,
            f"{TECHNICAL}: approved. {TECHNICAL} says so; {GUARD}: approved. {GUARD} says so",
        ),
        (
            [reviewed(TECHNICAL, "approved", "one", GUARD), reviewed(GUARD, "changes_requested", "one", GUARD)],
            False,
            ERROR,
            f"{TECHNICAL}: approved. {TECHNICAL} says so; {GUARD}: changes_requested. {GUARD} says so",
        ),
    ],
)
def test_green_is_what_has_every_approval_it_needs(
    events: list[Event], passed: bool, severity: AssetCheckSeverity, description: str
) -> None:
    check = judged(*events)
    assert check is not None
    assert (check.passed, check.description) == (passed, description)
    assert passed or check.severity is severity


def test_the_approval_of_the_first_reviewer_does_not_hide_that_the_second_asks_for_changes() -> None:
    """The first has seen the mended commit, the second not yet."""
    requested = [reviewed(TECHNICAL, "approved", "one", GUARD), reviewed(GUARD, "changes_requested", "one", GUARD)]
    check = judged(*requested, committed("two"), reviewed(TECHNICAL, "approved", "two", GUARD))
    assert check is not None
    assert (check.passed, check.severity) == (False, ERROR)


def test_a_push_voids_the_approvals_until_they_are_kept_or_given_again() -> None:
    approved = [reviewed(TECHNICAL, "approved", "one", GUARD), reviewed(GUARD, "approved", "one")]
    void = judged(*approved, committed("two"))
    assert void is not None
    assert (void.passed, void.severity) == (False, WARN)
    assert f"a push has voided the review of {TECHNICAL}, {GUARD}" in void.description
    again = judged(*approved, committed("two"), kept(TECHNICAL, "two", GUARD), reviewed(GUARD, "approved", "two"))
    assert again is not None
    assert again.passed


def test_what_is_merged_was_approved() -> None:
    check = judged(reviewed(GUARD, "approved", "one"), committed("two"), MERGED)
    assert check is not None
    assert check.passed


def test_nothing_is_judged_before_a_review_and_a_new_attempt_begins_without() -> None:
    assert judged() is None
    second = event("attempt.started", attempt=2, repository="shop", branch="b2", base_commit="main")
    opened = event("pull_request.opened", number=2, repository="shop", head="b2", commit="three")
    assert judged(reviewed(GUARD, "changes_requested", "one"), second, committed("three"), opened) is None


def test_the_pull_request_shows_what_each_reviewer_said_last_and_whether_it_holds() -> None:
    events = [
        reviewed(TECHNICAL, "approved", "one", GUARD),
        reviewed(GUARD, "changes_requested", "one"),
        committed("two"),
    ]
    made = next(report for report in told([*events, kept(TECHNICAL, "two", GUARD)]) if isinstance(report, Made))
    assert made.metadata["reviews"] == f"{TECHNICAL} approved, {GUARD} changes_requested, {TECHNICAL} approved (kept)"
    table = made.metadata["each reviewer"].value  # type: ignore[union-attr]
    assert f"| {TECHNICAL} | approved | two | yes | the same patch |" in table  # type: ignore[operator]
    assert f"| {GUARD} | changes_requested | one | no | {GUARD} says so |" in table  # type: ignore[operator]
