"""The facts of an issue: one statement says where everything stands, and only what is new is read besides."""

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from orket_pipelines.agents.model import Purpose
from orket_pipelines.agents.records import decode_outcome
from orket_pipelines.cards.model import Card, CardState, WaitReason
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery.labels import is_owed
from orket_pipelines.delivery.model import Attempt, Facts, SessionFacts
from orket_pipelines.delivery.records import HEAD, feedback_of
from orket_pipelines.store import Prepared, Transaction, tables

_cards, _attempts, _sessions = tables.cards, tables.attempts, tables.sessions
_runs = tables.test_runs


def _of_card(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.workspace_id == _cards.c.workspace_id, table.c.card_id == _cards.c.id)


_head = sa.func.coalesce(_attempts.c.head_commit, _attempts.c.base_commit)
_run_on_head = (
    sa.select(_runs.c.passed)
    .where(_of_card(_runs), _runs.c.commit == _head, _runs.c.purpose == HEAD)
    .order_by(_runs.c.position.desc())
    .limit(1)
)
_CARD = ("state", "wait_reason", "note", "attempt", "content_hash", "updated_at")
_ATTEMPT = ("number", "repository", "branch", "base_commit", "head_commit", "pull_request", "merge_commit")
_stand = Prepared(
    sa.select(
        *(_cards.c[name] for name in _CARD),
        *(_attempts.c[name] for name in _ATTEMPT),
        (
            sa.select(sa.func.count())
            .select_from(tables.feedback)
            .where(_of_card(tables.feedback))
            .scalar_subquery()
            .label("feedback")
        ),
        # Both only grow, so their sum tells one moment from another.
        (
            sa.select(sa.func.count() + sa.func.count(_sessions.c.ended_at))
            .select_from(_sessions)
            .where(_of_card(_sessions))
            .scalar_subquery()
            .label("sessions")
        ),
        sa.case((_cards.c.state == str(CardState.READY_FOR_TESTING), _run_on_head.scalar_subquery())).label("passed"),
        sa.case((is_owed, 1), else_=0).label("owes_label"),
    )
    .select_from(_cards.outerjoin(_attempts, sa.and_(_of_card(_attempts), _attempts.c.number == _cards.c.attempt)))
    .where(_cards.c.workspace_id == sa.bindparam("workspace_id"), _cards.c.id == sa.bindparam("card_id"))
)
_all_sessions = Prepared(
    sa.select(
        _sessions.c.id,
        _sessions.c.role,
        _sessions.c.purpose,
        _sessions.c.subject_commit,
        _sessions.c.outcome,
        _sessions.c.ended_at,
    )
    .where(_sessions.c.workspace_id == sa.bindparam("workspace_id"), _sessions.c.card_id == sa.bindparam("card_id"))
    .order_by(_sessions.c.position)
)


@dataclass(frozen=True, slots=True)
class Look:
    """The facts at one moment. `found` is where everything stood, by which the next look sees what is new."""

    facts: Facts
    found: Any


def look(tx: Transaction, card: Card, last: Look | None = None) -> Look:
    """All that decides what the issue needs next. `card` is how it was known, `last` what was seen before.

    Feedback and sessions are only added to, and a session changes once, when it ends: their numbers say what is new.
    """
    found = tx.execute(_stand, {"workspace_id": tx.workspace_id, "card_id": card.id}).first()
    card = _as_found(tx, card, found)
    if card.state is CardState.READY:
        return Look(Facts(card), found)
    known = last if last is not None and last.facts.attempt is not None else None
    same_said = known is not None and known.found.feedback == found.feedback
    same_sessions = known is not None and known.found.sessions == found.sessions
    facts = known.facts if known is not None else Facts(card)
    sessions = _known_sessions(facts) if same_sessions else _sessions_of(tx, card.id)
    said = facts.feedback if same_said else tuple(feedback_of(tx, card.id))
    stands = {"head_passed": found.passed, "owes_label": bool(found.owes_label)}
    return Look(Facts(card, _attempt(found), said, *sessions, **stands), found)


def _as_found(tx: Transaction, card: Card, found: Any) -> Card:
    """The card as it is now; read anew where its file says something else, or it is gone. Raises: CardError."""
    if found is None or found.content_hash != card.content_hash:
        return get_card(tx, card.id)
    if tuple(getattr(card, name) for name in _CARD) == found[: len(_CARD)]:
        return card
    reason = WaitReason(found.wait_reason) if found.wait_reason else None
    stands = {"note": found.note, "attempt": found.attempt, "updated_at": found.updated_at}
    return replace(card, state=CardState(found.state), wait_reason=reason, **stands)


def _attempt(found: Any) -> Attempt | None:
    if found.number is None:
        return None
    commits = (found.base_commit, found.head_commit, found.pull_request, found.merge_commit)
    return Attempt(found.number, found.repository, found.branch, *commits)


Sessions = tuple[SessionFacts | None, dict[tuple[str, str], int], frozenset[str]]
"""The last session, how many have ended by role and purpose, and whose work became commits."""


def _known_sessions(facts: Facts) -> Sessions:
    return facts.last_session, facts.visits, facts.writers


def _sessions_of(tx: Transaction, card_id: str) -> Sessions:
    sessions = tx.execute(_all_sessions, {"workspace_id": tx.workspace_id, "card_id": card_id}).all()
    ended = [row for row in sessions if row.outcome is not None]
    visits: dict[tuple[str, str], int] = {}
    for row in ended:
        visits[row.role, row.purpose] = visits.get((row.role, row.purpose), 0) + 1
    writers = frozenset(row.role for row in ended if row.outcome.get("request") == CardState.READY_FOR_TESTING)
    return (_session(sessions[-1]) if sessions else None), visits, writers


def _session(row: Any) -> SessionFacts:
    outcome = decode_outcome(row.outcome) if row.outcome is not None else None
    return SessionFacts(row.id, row.role, Purpose(row.purpose), row.subject_commit, outcome, row.ended_at)
