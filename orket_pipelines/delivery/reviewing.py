"""Reviews between the forge and the record: an agent's goes out; people's come in, and approvals that a push left
standing.
"""

from collections.abc import Iterable
from typing import Any

from orket_pipelines.cards.model import WAITING, CardState, WaitReason
from orket_pipelines.cards.records import get_card, move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.model import FeedbackKind, SessionFacts, opinions
from orket_pipelines.delivery.records import add_feedback
from orket_pipelines.delivery.work import Work, wait
from orket_pipelines.forge.model import Review, Verdict
from orket_pipelines.review import AskPeople, Opinion, awaited, rules_of, unheard, what_is_owed
from orket_pipelines.store import Transaction, append, effect_kind, perform
from orket_pipelines.store.effects import Result

REVIEW = effect_kind("forge.review")


def review_intent(work: Work, verdict: Verdict) -> dict[str, Any]:
    """What is stored before a verdict is handed to the forge."""
    return {"number": work.attempt.pull_request or 0, "verdict": str(verdict), "commit": work.attempt.head}


def submit(work: Work, session: SessionFacts, verdict: Verdict, body: str, *, begun: bool = False) -> None:
    """Hand the verdict of a session to the forge; a request for changes sends the card back. `begun`: its intent was
    stored just now."""
    attempt, forge, number = work.attempt, work.factory.forge, work.attempt.pull_request or 0
    mine = Opinion(session.role, verdict, attempt.head, body)

    def act() -> Result:
        reviewer, commit = session.role, attempt.head
        forge.review(attempt.repository, number, reviewer=reviewer, verdict=verdict, body=body, commit=commit)
        return {"number": number}

    def probe() -> Result | None:
        there = [_opinion(review) for review in forge.reviews(attempt.repository, number)]
        return {"number": number} if mine in there else None

    def record(tx: Transaction, _result: Result) -> None:
        told = {"session_id": session.id}
        add_feedback(tx, work.card, attempt, _kind(mine), author=session.role, body=body, details=told)
        _tell(tx, work, mine, _heard(work))
        _send_back(tx, work, [mine])

    perform(
        work.store,
        REVIEW,
        session.id,
        subject=work.card.id,
        intent=review_intent(work, verdict),
        act=act,
        probe=probe,
        record=record,
        begun=begun,
    )


def take_in(work: Work) -> bool:
    """Put on record what the forge has of the head's patch and the record lacks; False where that is nothing."""
    news = _news(work)
    if news:
        with work.store.write() as tx:
            heard = _heard(work)
            for review in news:
                heard.append(_take(tx, work, review, heard))
            _send_back(tx, work, heard)
    return bool(news)


def await_people(work: Work, missing: int) -> None:
    """Wait for their reviews, unless they are there by now."""
    if not take_in(work):
        who = awaited(AskPeople(missing))
        wait_for_review(work, f"pull request {work.attempt.pull_request} still needs the approval of {who}")


def wait_for_review(work: Work, why: str) -> None:
    """The note says what a person types. Whoever reviewed before the card waited could not bring it back: that is done
    here.
    """
    note = f"{why}: orket issues review {work.card.id} --approve"
    wait(work, WaitReason.REVIEW, note, to=CardState.WAITING_FOR_DEVELOPER)
    if _news(work):
        with work.store.write() as tx:
            resume(tx, work.card.id, "system", note="reviewed meanwhile")


def resume(tx: Transaction, card_id: str, actor: str, *, note: str) -> bool:
    """Bring back a card that waits for a review; False where it does not."""
    card = get_card(tx, card_id)
    waits = card.state in WAITING and card.wait_reason is WaitReason.REVIEW
    if waits:
        move_in(tx, card, Move(CardState.IN_PROGRESS, actor, note=note))
    return waits


def _news(work: Work) -> list[Review]:
    attempt = work.attempt
    if attempt.pull_request is None:
        return []
    reviews = work.factory.forge.reviews(attempt.repository, attempt.pull_request)
    return unheard(reviews, _heard(work), head=attempt.head, authors=work.facts.authors)


def _take(tx: Transaction, work: Work, review: Review, heard: list[Opinion]) -> Opinion:
    """A review of the head is told as one; an approval of an older commit, that the patch is the same."""
    attempt, kept = work.attempt, review.commit != work.attempt.head
    body = f"the patch is the one of {review.commit[:12]}, which was approved" if kept else review.body
    opinion = Opinion(review.reviewer, review.verdict, attempt.head, body)
    details = {"reviewed": review.commit}
    add_feedback(tx, work.card, attempt, _kind(opinion), author=review.reviewer, body=body, details=details)
    _tell(tx, work, opinion, heard, kept_from=review.commit if kept else None)
    return opinion


def _tell(
    tx: Transaction, work: Work, opinion: Opinion, heard: Iterable[Opinion], *, kept_from: str | None = None
) -> None:
    """A `pull_request.reviewed` event, or `pull_request.approval_kept`; `awaits` says whose review is still needed."""
    card, attempt, rules = work.card, work.attempt, rules_of(work.factory.settings)
    owed = what_is_owed([*heard, opinion], rules, authors=work.facts.authors)
    said = {"reviewer": opinion.reviewer, "verdict": str(opinion.verdict), "body": opinion.body}
    about = {"repository": attempt.repository, "number": attempt.pull_request, "attempt": attempt.number}
    told = {**about, **said, "commit": opinion.commit, "awaits": awaited(owed), "rock": card.rock_id}
    if kept_from is None:
        append(tx, "pull_request.reviewed", card.id, told)
    else:
        append(tx, "pull_request.approval_kept", card.id, told | {"approved": kept_from})


def _send_back(tx: Transaction, work: Work, said: Iterable[Opinion]) -> None:
    """To its author, where it is not there already."""
    against = [opinion.reviewer for opinion in said if opinion.verdict is Verdict.CHANGES_REQUESTED]
    if against and work.card.state is CardState.CODE_REVIEW:
        move_in(tx, work.card, Move(CardState.IN_PROGRESS, against[-1], note="changes requested"))


def _heard(work: Work) -> list[Opinion]:
    return opinions(work.facts.about(work.attempt.head))


def _opinion(review: Review) -> Opinion:
    return Opinion(review.reviewer, review.verdict, review.commit, review.body)


def _kind(opinion: Opinion) -> FeedbackKind:
    return FeedbackKind.APPROVED if opinion.verdict is Verdict.APPROVED else FeedbackKind.CHANGES_REQUESTED
