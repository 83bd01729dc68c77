"""What a role is told about its card: plain text, with everything that others wrote fenced as data."""

from collections.abc import Sequence

from orket_pipelines.agents.fences import fence
from orket_pipelines.agents.model import Purpose
from orket_pipelines.cards.model import Card
from orket_pipelines.delivery.model import ADVERSE, Facts, Feedback, FeedbackKind

FEEDBACK_LIMIT = 8_000
"""Characters of one piece of feedback; the end is kept, where test logs have their failures."""


def write_brief(facts: Facts, purpose: Purpose, *, comments: Sequence[tuple[str, str]], diff: str = "") -> str:
    """The brief of one call. `diff` is what the issue's branch changes, for those who review it."""
    parts = [_describe(facts.card)]
    parts += [fence(f"comment by {author}", body) for author, body in comments]
    parts += [_quote(found) for found in _worth_telling(facts, purpose)]
    if diff:
        parts.append(fence("the change", diff))
    return "\n\n".join(parts)


def _describe(card: Card) -> str:
    told = [card.name, card.details.get("description"), card.details.get("requirements"), card.note]
    return fence("the card", "\n\n".join(str(text).strip() for text in told if text))


def _worth_telling(facts: Facts, purpose: Purpose) -> list[Feedback]:
    """What was said about the head, why the attempt before failed, all guidance: older findings are in the code.

    Who reviews hears what each reviewer asked for last; the architect hears every request.
    """
    head, number = (facts.attempt.head, facts.attempt.number) if facts.attempt else ("", 1)
    requests = [found for found in facts.since(FeedbackKind.REJECTED) if found.kind is FeedbackKind.CHANGES_REQUESTED]
    asked = {
        Purpose.REVIEW: list({found.author: found for found in requests}.values()),
        Purpose.GUIDANCE: requests,
    }.get(purpose, [])
    return [
        found
        for found in facts.feedback
        if found.kind is FeedbackKind.GUIDANCE
        or (found.commit == head and found.kind in ADVERSE)
        or (found.kind is FeedbackKind.VERIFICATION_FAILED and found.attempt == number - 1)
        or found in asked
        or (found.kind is FeedbackKind.STUCK and purpose is Purpose.STUCK)
    ]


def _quote(found: Feedback) -> str:
    body = found.body
    if len(body) > FEEDBACK_LIMIT:
        body = f"[the first {len(body) - FEEDBACK_LIMIT} characters are left out]\n{body[-FEEDBACK_LIMIT:]}"
    return fence(f"{found.kind} by {found.author}, of commit {found.commit[:12]}", body)
