"""What follows from the end of a session: a commit, a review, guidance, a wait, or one more try."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orket_pipelines.agents.model import Outcome
from orket_pipelines.agents.records import Session, final_tree, get_session
from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.cards.records import get_card, get_state, move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.factory import identity_of
from orket_pipelines.delivery.model import FeedbackKind, SessionFacts
from orket_pipelines.delivery.records import add_feedback, update_attempt
from orket_pipelines.delivery.reviewing import REVIEW, review_intent, submit
from orket_pipelines.delivery.work import Work, wait
from orket_pipelines.errors import ForgeError, WorkbenchError
from orket_pipelines.store import Transaction, append, effect_kind, failpoint, perform, reach
from orket_pipelines.store.effects import EffectKind, Result, begin_in, key_of, repeatable

COMMIT = effect_kind("code.commit")
COMMIT_MADE = failpoint("code.commit.made")
BEFORE_STORE = failpoint("outcome.before_store")
AFTER_STORE = failpoint("outcome.after_store")


@dataclass(slots=True)
class Following:
    """Stores the intent of what follows from a session, where that is an effect, with the session's end.

    `session` is then the one that ended so, and `intent` what was stored. Where somebody moved the card meanwhile, the
    next look at it decides what follows.
    """

    work: Work
    session: SessionFacts | None = None
    intent: dict[str, Any] = field(default_factory=dict)

    def __call__(self, tx: Transaction, session: Session, outcome: Outcome) -> None:
        """As the port says."""
        work, self.session = self.work, None
        found = self._intended(tx, session, outcome)
        if found is None or get_state(tx, work.card.id) is not work.card.state:
            return
        kind, self.intent = found
        reach(kind.before_intent)
        token = work.store.fence.token if work.store.fence is not None else None
        key = key_of(kind, session.id)
        begin_in(tx, kind, key, subject=work.card.id, intent=self.intent, fencing_token=token)
        known = (session.id, session.role, session.purpose, session.subject_commit)
        self.session = SessionFacts(*known, outcome, tx.now)

    def _intended(
        self, tx: Transaction, session: Session, outcome: Outcome
    ) -> tuple[EffectKind, dict[str, Any]] | None:
        if outcome.request is CardState.READY_FOR_TESTING:
            tree = final_tree(tx, session)
            return None if tree is None else (COMMIT, _commit_intent(self.work, tree))
        if outcome.request is None and outcome.verdict is not None:
            return REVIEW, review_intent(self.work, outcome.verdict)
        return None


def take(work: Work, session: SessionFacts, outcome: Outcome, *, begun: Mapping[str, Any] | None = None) -> None:
    """Act on the outcome; afterwards it is on record that this was done. `begun` is the intent that `Following` stored
    just now.
    """
    if outcome.request is CardState.READY_FOR_TESTING:
        _commit(work, session, outcome, begun)
    elif outcome.request is not None:
        reason = outcome.wait_reason or WaitReason.INPUT
        wait(work, reason, outcome.text, to=outcome.request, actor=session.role, session_id=session.id)
    elif outcome.verdict is not None:
        submit(work, session, outcome.verdict, outcome.text, begun=begun is not None)
    elif outcome.guidance:
        _note(work, session, FeedbackKind.GUIDANCE, outcome.text)
    else:
        stuck = outcome.stuck and session.role == work.facts.author
        kind = FeedbackKind.STUCK if stuck else FeedbackKind.SESSION_FAILED
        _note(work, session, kind, outcome.failure or "no reason was given")


def _commit(work: Work, session: SessionFacts, outcome: Outcome, begun: Mapping[str, Any] | None) -> None:
    """The tree that the session left becomes the branch's new head. Made twice, it is the same commit."""
    card, attempt, code = work.card, work.attempt, work.factory.code
    intent = begun or _commit_intent(work, _final_tree(work, session))
    message = f"{card.name}\n\n{outcome.text}\n\nCard: {card.id}\nSession: {session.id}".replace("\n\n\n\n", "\n\n")

    def act() -> Result:
        at = session.ended_at or 0
        by = identity_of(session.role)
        tree, parents = intent["tree"], tuple(intent["parents"])
        commit = code.commit(attempt.repository, tree, parents=parents, message=message, by=by, at=at)
        reach(COMMIT_MADE)
        if not code.move_branch(attempt.repository, attempt.branch, to=commit, expected=attempt.head):
            raise ForgeError(
                f"branch {attempt.branch} is not where it was left ({attempt.head[:12]}): somebody else moved it",
                next_step=f"Put the branch back, then: orket issues deliver {card.id}",
            )
        return {"commit": commit}

    def record(tx: Transaction, result: Result) -> None:
        update_attempt(tx, card.id, attempt.number, head_commit=result["commit"])
        payload = {"repository": attempt.repository, "branch": attempt.branch, "message": message, **result}
        append(tx, "code.committed", card.id, payload | {"attempt": attempt.number, "rock": card.rock_id})
        move_in(tx, card, Move(CardState.READY_FOR_TESTING, session.role))

    perform(
        work.store,
        COMMIT,
        session.id,
        subject=card.id,
        intent=intent,
        act=act,
        probe=repeatable,
        record=record,
        begun=begun is not None,
    )


def _commit_intent(work: Work, tree: str) -> dict[str, Any]:
    merged = work.facts.main_to_merge
    parents = [work.attempt.head, merged] if merged else [work.attempt.head]
    return {"branch": work.attempt.branch, "parents": parents, "tree": tree}


def _final_tree(work: Work, session: SessionFacts) -> str:
    with work.store.glance() as tx:
        tree = final_tree(tx, get_session(tx, session.id))
    if tree is None:
        raise WorkbenchError(f"session {session.id} of {session.role} has no tree to commit: it could not change files")
    return tree


def _note(work: Work, session: SessionFacts, kind: FeedbackKind, body: str) -> None:
    reach(BEFORE_STORE)
    with work.store.write() as tx:
        card = get_card(tx, work.card.id)
        told = {"session_id": session.id, "purpose": session.purpose}
        add_feedback(tx, card, work.attempt, kind, author=session.role, body=body, details=told)
    reach(AFTER_STORE)
