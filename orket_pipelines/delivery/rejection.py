"""Rejection: too many requests for changes close the pull request and leave a requirements issue to a person."""

from orket_pipelines.cards.model import Card, CardState, WaitReason
from orket_pipelines.cards.records import find_card, insert_cards
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.model import FeedbackKind, opinions
from orket_pipelines.delivery.records import add_feedback
from orket_pipelines.delivery.work import Work, wait_in
from orket_pipelines.forge.model import Verdict
from orket_pipelines.review import requirements_text
from orket_pipelines.store import Transaction, append, effect_kind, perform
from orket_pipelines.store.effects import Result, repeatable

CLOSE = effect_kind("forge.close")


def reject(work: Work) -> None:
    """Close, write, wait: once per attempt. The next attempt starts when a person brings the card back."""
    card, attempt, forge = work.card, work.attempt, work.factory.forge
    number = attempt.pull_request or 0

    def act() -> Result:
        forge.close(attempt.repository, number)
        return {"number": number}

    def record(tx: Transaction, result: Result) -> None:
        requirements = _requirements_card(work)
        if find_card(tx, requirements.id) is None:
            insert_cards(tx, [requirements])
        told = {"requirements": requirements.id}
        body = f"rejected; see {requirements.id}"
        add_feedback(tx, card, attempt, FeedbackKind.REJECTED, author="system", body=body, details=told)
        payload = {"repository": attempt.repository, "attempt": attempt.number, "rock": card.rock_id}
        append(tx, "pull_request.closed", card.id, payload | result)
        note = f"The pull request was rejected. Read {requirements.id}, mend the requirement, then bring the card back."
        wait_in(tx, work, Move(CardState.BLOCKED, "system", wait_reason=WaitReason.INPUT, note=note))

    intent = {"number": number}
    key = f"{card.id}:{attempt.number}"
    perform(work.store, CLOSE, key, subject=card.id, intent=intent, act=act, probe=repeatable, record=record)


def _requirements_card(work: Work) -> Card:
    """It waits for a person from the start, so that no agent takes it up."""
    card = work.card
    said = work.facts.since(FeedbackKind.REJECTED)
    reasons = [opinion for opinion in opinions(said) if opinion.verdict is Verdict.CHANGES_REQUESTED]
    guidance = [found.body for found in said if found.kind is FeedbackKind.GUIDANCE]
    text = requirements_text(card.name, reasons, guidance)
    return Card(
        id=f"{card.id[:44]}-requirements-{work.attempt.number}",
        kind=card.kind,
        name=f"Requirements of: {card.name} (attempt {work.attempt.number})",
        state=CardState.BLOCKED,
        wait_reason=WaitReason.INPUT,
        note="A person decides what is really wanted.",
        parent_id=card.parent_id,
        rock_id=card.rock_id,
        priority=card.priority,
        seat="project_manager",
        details={"description": text, "labels": ["requirements"], "references": [card.id]},
    )
