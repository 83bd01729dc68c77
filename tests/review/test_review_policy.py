"""What follows from requests for changes."""

import pytest

from orket_pipelines.review import Consequence, consequence, requirements_text


@pytest.mark.parametrize(
    ("cycles", "follows"),
    [
        (1, Consequence.REWORK),
        (2, Consequence.REWORK),
        (3, Consequence.ARCHITECT),
        (4, Consequence.REJECT),
        (5, Consequence.REJECT),
    ],
)
def test_each_request_for_changes_has_its_consequence(cycles: int, follows: Consequence) -> None:
    assert consequence(cycles, architect_at=3, reject_at=4) is follows


def test_the_requirements_hold_every_reason_the_guidance_and_the_questions() -> None:
    text = requirements_text("Search", ["no limit", "no tests"], ["use an index"])
    assert "1. no limit" in text
    assert "2. no tests" in text
    assert "- use an index" in text
    assert text.count("- [ ]") == 5
