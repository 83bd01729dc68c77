"""What follows from a request for changes. Cycles are counted per issue, since its last rejection."""

from collections.abc import Sequence
from enum import StrEnum


class Consequence(StrEnum):
    """Back to the author; to the author by way of the architect; or rejected."""

    REWORK = "rework"
    ARCHITECT = "architect"
    REJECT = "reject"


CHECKLIST = (
    "Does the requirement say what is wanted in one way only?",
    "Is the issue small enough for one pull request?",
    "Was the guidance followed, and was it right?",
    "Does the reviewer ask for what the requirement asks for?",
    "Is something missing that the author could not know: a decision, an example, access?",
)


def consequence(cycles: int, *, architect_at: int, reject_at: int) -> Consequence:
    """What the request for changes number `cycles` leads to."""
    if cycles >= reject_at:
        return Consequence.REJECT
    return Consequence.ARCHITECT if cycles == architect_at else Consequence.REWORK


def requirements_text(title: str, reasons: Sequence[str], guidance: Sequence[str]) -> str:
    """What a requirements issue says: every reason, the guidance that was given, and where to look for the cause."""
    return "\n".join(
        [
            f"The pull request for “{title}” was rejected after {len(reasons)} requests for changes.",
            "",
            "## What the reviewer asked for",
            *(f"{number}. {reason}" for number, reason in enumerate(reasons, 1)),
            "",
            "## What the architect advised",
            *([f"- {text}" for text in guidance] or ["- nothing"]),
            "",
            "## Root cause",
            *(f"- [ ] {question}" for question in CHECKLIST),
        ]
    )
