"""Events told as sentences."""

from typing import Any

import pytest

from orket_pipelines.reports.narration import tell
from orket_pipelines.store import Event

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def _event(kind: str, payload: dict[str, Any]) -> Event:
    return Event(1, "id", "default", kind, 1, 0, "system", None, None, "storage", payload)


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        ("card.moved", {"from": "ready", "to": "in_progress"}, "storage: ready → in_progress"),
        (
            "card.moved",
            {"from": "in_progress", "to": "blocked", "wait_reason": "input", "note": "which?"},
            "storage: in_progress → blocked, waits for input: which?",
        ),
        ("session.started", {"role": "coder", "purpose": "tests_failed"}, "storage: coder is called: tests failed"),
        (
            "code.committed",
            {"commit": COMMIT, "message": "Keep tasks\n\nin a file"},
            "storage: committed 01234567: Keep tasks",
        ),
        (
            "tests.finished",
            {"commit": COMMIT, "passed": False, "counts": {"passed": 3, "failed": 1, "skipped": 0}},
            "storage: tests on 01234567 FAILED (3 passed, 1 failed)",
        ),
        (
            "tests.finished",
            {"commit": COMMIT, "passed": True, "counts": {}},
            "storage: tests on 01234567 passed",
        ),
        ("pull_request.opened", {"number": 3}, "storage: pull request #3 opened"),
        (
            "pull_request.reviewed",
            {"reviewer": "integrity_guard", "verdict": "changes_requested", "body": "No index.\nAdd one."},
            "storage: integrity_guard changes requested: No index. Add one.",
        ),
        (
            "pull_request.approval_kept",
            {"reviewer": "technical_reviewer", "body": "the patch is the one of 01234567"},
            "storage: technical_reviewer has approved it: the patch is the one of 01234567",
        ),
        (
            "pull_request.merged",
            {"number": 3, "merge_commit": COMMIT},
            "storage: pull request #3 merged as 01234567",
        ),
        ("pull_request.closed", {"number": 3}, "storage: pull request #3 closed without a merge"),
        (
            "pull_request.labeled",
            {"number": 3, "labels": ["Policy Violation"]},
            "storage: pull request #3 labelled: Policy Violation",
        ),
        ("policy.violated", {"reason": "no writing outside"}, "storage: refused: no writing outside"),
        (
            "feedback.given",
            {"kind": "conflict", "body": "both changed it"},
            "storage: conflict: both changed it",
        ),
        ("feedback.given", {"kind": "approved", "body": "fine"}, None),
        ("turn.completed", {}, None),
    ],
)
def test_an_event_is_told_in_one_line(kind: str, payload: dict[str, Any], sentence: str | None) -> None:
    assert tell(_event(kind, payload)) == sentence
