"""When a pull request may be merged, as far as its reviews go."""

from collections.abc import Iterable

from orket_pipelines.forge.model import Review, Verdict


def find_objection(reviews: Iterable[Review]) -> str | None:
    """Why these reviews (oldest first) do not allow a merge; None where they do.

    The last verdict of each reviewer counts, unless the patch has changed since; a comment takes nothing back.
    """
    verdicts = {
        review.reviewer: review.verdict
        for review in reviews
        if not review.stale and review.verdict is not Verdict.COMMENTED
    }
    against = sorted(name for name, verdict in verdicts.items() if verdict is Verdict.CHANGES_REQUESTED)
    if against:
        return f"{', '.join(against)} asked for changes"
    return None if verdicts else "nobody has approved what it is now"
