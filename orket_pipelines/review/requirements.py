"""What a rejected pull request leaves to a person."""

from collections.abc import Sequence

from orket_pipelines.review.model import Opinion

CHECKLIST = (
    "Does the requirement say what is wanted in one way only?",
    "Is the issue small enough for one pull request?",
    "Was the guidance followed, and was it right?",
    "Does the reviewer ask for what the requirement asks for?",
    "Do the reviewers ask for things that do not go together?",
    "Is something missing that the author could not know: a decision, an example, access?",
)


def requirements_text(title: str, reasons: Sequence[Opinion], guidance: Sequence[str]) -> str:
    """What a requirements issue says: every reason, the guidance that was given, and where to look for the cause."""
    return "\n".join(
        [
            f"The pull request for “{title}” was rejected after {len(reasons)} requests for changes.",
            "",
            "## What was asked for",
            *(
                f"{number}. {reason.reviewer}, of commit {reason.commit[:12]}: {reason.body}"
                for number, reason in enumerate(reasons, 1)
            ),
            "",
            "## What the architect advised",
            *([f"- {text}" for text in guidance] or ["- nothing"]),
            "",
            "## Root cause",
            *(f"- [ ] {question}" for question in CHECKLIST),
        ]
    )
