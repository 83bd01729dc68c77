"""Reads and writes of sessions, their turns and their tool calls."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orket_pipelines.agents.model import Assignment, Outcome, Purpose, SessionState
from orket_pipelines.cards.model import CardState, WaitReason
from orket_pipelines.errors import OrketError
from orket_pipelines.forge.model import Verdict
from orket_pipelines.store import Prepared, Transaction, append, effect_kind, tables
from orket_pipelines.store.prepared import insert_in_order

TOOL = effect_kind("agents.tool")
"""A tool call: its effect's subject is its session."""
_sessions, _turns, _effects = tables.sessions, tables.turns, tables.effects
_by_id = Prepared(
    sa.select(_sessions).where(
        _sessions.c.workspace_id == sa.bindparam("workspace_id"), _sessions.c.id == sa.bindparam("id")
    )
)
_of_assignment = Prepared(
    sa.select(_sessions).where(
        *(
            _sessions.c[name] == sa.bindparam(f"b_{name}")
            for name in ("workspace_id", "card_id", "attempt", "role", "purpose", "visit")
        )
    )
)
_turns_of = Prepared(
    sa.select(_turns)
    .where(_turns.c.workspace_id == sa.bindparam("b_workspace_id"), _turns.c.session_id == sa.bindparam("b_session_id"))
    .order_by(_turns.c.number)
)
_calls_of = Prepared(
    sa.select(_effects.c.intent, _effects.c.result).where(
        _effects.c.workspace_id == sa.bindparam("b_workspace_id"), _effects.c.subject == sa.bindparam("b_session_id")
    )
)
_switched_to = Prepared(
    sa.select(_sessions.c.switched_to).where(
        _sessions.c.workspace_id == sa.bindparam("workspace_id"), _sessions.c.id == sa.bindparam("id")
    )
)
_insert_session = insert_in_order(_sessions)
_insert_turn = Prepared(sa.insert(_turns))
_update_session = Prepared(
    sa.update(_sessions).where(
        _sessions.c.workspace_id == sa.bindparam("b_workspace_id"), _sessions.c.id == sa.bindparam("b_id")
    )
)


@dataclass(frozen=True, slots=True)
class Session:
    """One role at work on one card, as stored.

    `prompt` is the first request as JSON. `starting_tree` is the tree of the checkout before anything was done, None
    where the role has no tool that changes files. `outcome` is None while it runs. `model` is the one it began with,
    `switched_to` the name of the one that a person has it go on with.
    """

    id: str
    card_id: str
    attempt: int
    role: str
    purpose: Purpose
    visit: int
    subject_commit: str
    model: str
    prompt: list[dict[str, Any]]
    starting_tree: str | None
    state: SessionState = SessionState.RUNNING
    outcome: Outcome | None = None
    started_at: int = 0
    ended_at: int | None = None
    switched_to: str | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer of a model. `messages` are the new messages as JSON; what they were told follows from the calls'
    results. `cost` is in USD, None where the price is unknown.
    """

    number: int
    messages: list[dict[str, Any]]
    model: str
    input_tokens: int
    output_tokens: int
    cost: float | None
    started_at: int
    ended_at: int


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a tool call ended with, and was told. `verdict` is done, failed or denied; `tree` the tree of the checkout
    after a call that can change files. `seconds`: how long it took.
    """

    verdict: str
    text: str
    tree: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as stored, at its position in its turn; `result` is None until it ended."""

    turn: int
    position: int
    call_id: str
    tool: str
    result: CallResult | None


def find_session(tx: Transaction, assignment: Assignment) -> Session | None:
    """The session of (card, attempt, role, purpose, visit)."""
    names = ("card_id", "attempt", "role", "purpose", "visit")
    key = {f"b_{name}": getattr(assignment, name) for name in names}
    row = tx.execute(_of_assignment, {"b_workspace_id": tx.workspace_id} | key).mappings().first()
    return _session(row) if row else None


def get_session(tx: Transaction, session_id: str) -> Session:
    """The session with this id. Raises: OrketError where there is none."""
    row = tx.execute(_by_id, {"workspace_id": tx.workspace_id, "id": session_id}).mappings().first()
    if row is None:
        raise OrketError(f"there is no session {session_id!r}", next_step="See which there are: orket sessions list")
    return _session(row)


def list_sessions(tx: Transaction, *, card_id: str | None = None) -> list[Session]:
    """Sessions, oldest first; those of one card where `card_id` is given."""
    query = sa.select(_sessions).where(_sessions.c.workspace_id == tx.workspace_id)
    if card_id is not None:
        query = query.where(_sessions.c.card_id == card_id)
    rows = tx.execute(query.order_by(_sessions.c.started_at, _sessions.c.card_id, _sessions.c.position)).mappings()
    return [_session(row) for row in rows]


def insert_session(tx: Transaction, session: Session) -> None:
    """Store a new session; a `session.started` event."""
    row = {key: value for key, value in as_stored(session).items() if value is not None}
    added = {"workspace_id": tx.workspace_id, "started_at": tx.now}
    order = {"b_workspace_id": tx.workspace_id, "b_card_id": session.card_id}
    tx.execute(_insert_session, row | added | order)
    about = {"visit": session.visit, "attempt": session.attempt, "model": session.model}
    append(tx, "session.started", session.card_id, _about(session) | about)


def end_session(tx: Transaction, session: Session, outcome: Outcome) -> None:
    """Store how a session ended; a `session.ended` event."""
    stored = {key: value for key, value in as_stored(outcome).items() if value}
    key = {"b_workspace_id": tx.workspace_id, "b_id": session.id}
    tx.execute(_update_session, key | {"state": SessionState.ENDED, "outcome": stored, "ended_at": tx.now})
    append(tx, "session.ended", session.card_id, _about(session) | {"visit": session.visit, "outcome": stored})


def insert_turn(tx: Transaction, session: Session, turn: Turn, seconds: float) -> None:
    """Store one answer of a model; a `turn.completed` event."""
    tx.execute(_insert_turn, {"workspace_id": tx.workspace_id, "session_id": session.id, **as_stored(turn)})
    spent = {"input_tokens": turn.input_tokens, "output_tokens": turn.output_tokens, "cost": turn.cost}
    about = {"session_id": session.id, "card": session.card_id, "role": session.role, "number": turn.number}
    append(tx, "turn.completed", session.card_id, about | {"model": turn.model, **spent, "seconds": round(seconds, 3)})


def record_silence(tx: Transaction, session: Session, turn: Turn, *, model: str, reason: str) -> None:
    """A `model.silent` event: this model was asked, gave no answer within its bounds, and another stood in for it."""
    about = {"session_id": session.id, "card": session.card_id, "role": session.role, "turn": turn.number}
    append(tx, "model.silent", session.card_id, about | {"model": model, "reason": reason, "answered_by": turn.model})


def switch_model(tx: Transaction, session: Session, name: str) -> None:
    """Have a session that is not over go on with another model from its next turn; a `session.model_switched` event.

    Raises: OrketError where the session is over.
    """
    if session.outcome is not None:
        raise OrketError(
            f"session {session.id} is over, and asks no model any more",
            next_step=f"See which goes on: orket sessions list --card {session.card_id}",
        )
    key = {"b_workspace_id": tx.workspace_id, "b_id": session.id}
    tx.execute(_update_session, key | {"switched_to": name})
    before = session.switched_to or session.model
    append(tx, "session.model_switched", session.card_id, _about(session) | {"before": before, "model": name})


def switched_to(tx: Transaction, session_id: str) -> str | None:
    """The model that a person has the session go on with; None where nobody said."""
    found = tx.execute(_switched_to, {"workspace_id": tx.workspace_id, "id": session_id}).scalar()
    return None if found is None else str(found)


def turns_of(tx: Transaction, session_id: str) -> list[Turn]:
    """The turns of a session, in order."""
    rows = tx.execute(_turns_of, {"b_workspace_id": tx.workspace_id, "b_session_id": session_id}).mappings()
    left_out = {"workspace_id", "session_id"}
    return [Turn(**{key: value for key, value in row.items() if key not in left_out}) for row in rows]


def calls_of(tx: Transaction, session_id: str) -> list[Call]:
    """The tool calls of a session, in order."""
    rows = tx.execute(_calls_of, {"b_workspace_id": tx.workspace_id, "b_session_id": session_id})
    calls = [Call(**row.intent, result=CallResult(**row.result) if row.result else None) for row in rows]
    return sorted(calls, key=lambda call: (call.turn, call.position))


def final_tree(tx: Transaction, session: Session) -> str | None:
    """The checkout's tree after the last call that could change it: what the session leaves behind."""
    trees = [call.result.tree for call in calls_of(tx, session.id) if call.result and call.result.tree]
    return trees[-1] if trees else session.starting_tree


def _about(session: Session) -> dict[str, Any]:
    return {"session_id": session.id, "card": session.card_id, "role": session.role, "purpose": session.purpose}


def as_stored(fact: Session | Turn | CallResult | Outcome) -> dict[str, Any]:
    """Its fields as they are; `asdict` would copy every message."""
    return {name: getattr(fact, name) for name in fact.__match_args__}


def _session(row: Any) -> Session:
    values = {key: value for key, value in row.items() if key not in {"workspace_id", "position"}}
    values["purpose"], values["state"] = Purpose(row["purpose"]), SessionState(row["state"])
    values["outcome"] = decode_outcome(row["outcome"]) if row["outcome"] is not None else None
    return Session(**values)


def decode_outcome(stored: dict[str, Any]) -> Outcome:
    """An outcome from the JSON that `end_session` stored."""
    enums = {"request": CardState, "verdict": Verdict, "wait_reason": WaitReason}
    values: dict[str, Any] = {key: enums[key](value) if key in enums else value for key, value in stored.items()}
    return Outcome(**values)
