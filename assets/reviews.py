"""What the reviews of a pull request add up to, told of each reviewer apart."""

from dagster import AssetCheckSeverity, MetadataValue

from assets.about import traced
from assets.history import History, Review
from assets.model import Judged, Values

APPROVED = "approved"


def reviews_told(history: History) -> str:
    """Every verdict on the issue, in order, with whose it was."""
    return ", ".join(f"{each.reviewer} {each.verdict}{' (kept)' if each.kept else ''}" for each in history.reviews)


def reviews_shown(history: History) -> Values:
    """What each reviewer said last, as a table; nothing before a review."""
    head = "| reviewer | said last | of commit | holds | why |\n|---|---|---|---|---|\n"
    rows = [
        f"| {word.reviewer} | {word.verdict} | {word.commit[:12]} | {'yes' if _holds(history, word) else 'no'} "
        f"| {_cell(word.body)} |"
        for word in last_words(history)
    ]
    return {"each reviewer": MetadataValue.md(head + "\n".join(rows))} if rows else {}


def last_words(history: History) -> list[Review]:
    """What each reviewer said last of the attempt's pull request."""
    return list({each.reviewer: each for each in history.reviews if each.attempt == history.attempt}.values())


def review_approved(history: History) -> Judged | None:
    """Whether the head has the approvals that it needs; None before a review.

    Red where somebody asks for changes, yellow where a review is still awaited or a push has voided one.
    """
    words = last_words(history)
    if not words:
        return None
    against = [word.reviewer for word in words if word.verdict != APPROVED]
    waits = None if against else _waits(history, words)
    told = "; ".join(f"{word.reviewer}: {word.verdict}. {word.body}".strip() for word in words)
    severity = AssetCheckSeverity.ERROR if against else AssetCheckSeverity.WARN
    metadata = {**traced(history), "reviews": reviews_told(history)}
    passed = not against and waits is None
    description = told if waits is None else f"{told}; {waits}"
    return Judged("pull_requests", "review_approved", history.card_id, passed, description, severity, metadata)


def _waits(history: History, words: list[Review]) -> str | None:
    """What is waited for; a pull request that is merged had all it needed."""
    if history.pull_request_state == "merged":
        return None
    void = [word.reviewer for word in words if not _holds(history, word)]
    if void:
        return f"a push has voided the review of {', '.join(void)}"
    return f"awaits {history.awaits}" if history.awaits else None


def _holds(history: History, word: Review) -> bool:
    return history.commit is None or word.commit in {"", history.commit}


def _cell(text: str) -> str:
    """In one cell of a table, whatever it says."""
    return " ".join(text.split()).replace("|", "\\|")
