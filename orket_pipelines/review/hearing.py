"""What a forge knows of a patch that is not on record yet: people review there, and approvals outlive some pushes."""

from collections.abc import Collection, Iterable

from orket_pipelines.forge.model import Review, Verdict
from orket_pipelines.review.model import Opinion
from orket_pipelines.review.quorum import last_words


def unheard(
    reviews: Iterable[Review], heard: Iterable[Opinion], *, head: str, authors: Collection[str]
) -> list[Review]:
    """The last word of each account, where it holds for `head` and is none of `heard`, which is on record of it.

    An approval holds while the patch is the same. A request for changes holds for the commit that it was made of: an
    author who left the patch as it was may have said why, and whoever asked is asked again.
    """
    known = last_words(heard)
    last = {review.reviewer: review for review in reviews if review.verdict is not Verdict.COMMENTED}
    return [review for name, review in last.items() if name not in authors and _is_news(review, known.get(name), head)]


def _is_news(review: Review, known: Opinion | None, head: str) -> bool:
    holds = review.commit == head or (review.verdict is Verdict.APPROVED and not review.stale)
    return holds and (known is None or known.verdict is not review.verdict)
