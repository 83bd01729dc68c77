"""The rules that settings ask for."""

from typing import Any

import pytest

from orket_pipelines.errors import SettingsError
from orket_pipelines.review import Rules, rules_of
from orket_pipelines.settings import Settings


def test_by_default_the_guard_alone_reviews() -> None:
    assert rules_of(Settings()) == Rules(("integrity_guard",), None, 3, 4)


def test_two_roles_may_review() -> None:
    both = ("technical_reviewer", "integrity_guard")
    assert rules_of(Settings(reviewers=both, required_approvals=3)) == Rules(both, 3, 3, 4)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reviewers": ("nobody", "integrity_guard")}, "nobody cannot review"),
        ({"reviewers": ("coder", "integrity_guard")}, "coder cannot review"),
        ({"reviewers": ("technical_reviewer",)}, "integrity_guard is left out"),
        ({"architect_at": 4}, "is closed at 4"),
        ({"reject_at": 2}, "would be called at request 3"),
    ],
)
def test_rules_that_do_not_fit_together_are_named_with_the_way_out(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        rules_of(Settings(**given))
    assert "ORKET_RE" in refused.value.next_step
