"""What follows from requests for changes."""

import pytest

from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import Consequence, Opinion, Rules, consequence, requirements_text

RULES = Rules(architect_at=3, reject_at=4)


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
    assert consequence(cycles, RULES, advised=False) is follows


def test_the_author_tries_the_guidance_before_anybody_is_asked_for_more() -> None:
    assert consequence(3, RULES, advised=True) is Consequence.REWORK
    assert consequence(4, RULES, advised=True) is Consequence.REJECT


def test_an_architect_whose_turn_was_missed_is_called_at_the_next_request() -> None:
    """The setting was lowered meanwhile."""
    assert consequence(3, Rules(architect_at=1, reject_at=4), advised=False) is Consequence.ARCHITECT


def test_the_requirements_hold_every_reason_the_guidance_and_the_questions() -> None:
    reasons = [
        Opinion("technical_reviewer", Verdict.CHANGES_REQUESTED, "a" * 40, "no limit"),
        Opinion("integrity_guard", Verdict.CHANGES_REQUESTED, "b" * 40, "no tests"),
    ]
    text = requirements_text("Search", reasons, ["use an index"])
    assert "rejected after 2 requests for changes" in text
    assert "1. technical_reviewer, of commit aaaaaaaaaaaa: no limit" in text
    assert "2. integrity_guard, of commit bbbbbbbbbbbb: no tests" in text
    assert "- use an index" in text
    assert text.count("- [ ]") == 6


def test_requirements_without_guidance_say_so() -> None:
    assert "## What the architect advised\n- nothing\n" in requirements_text("Search", [], [])
