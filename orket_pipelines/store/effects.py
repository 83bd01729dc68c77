"""Effects on the world: intent, effect, outcome, each stored, so that a process that dies does nothing twice.

What is begun and not ended when a process dies is *in doubt*. The next process asks the world through the effect's
probe: it happened (its result is recorded), or it did not (it is done again, as the next attempt). Without a probe it
is `unknown`, and a person decides.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orket_pipelines.errors import EffectInDoubt, OrketError
from orket_pipelines.store import tables
from orket_pipelines.store.engine import Store, Transaction
from orket_pipelines.store.failpoints import failpoint, reach
from orket_pipelines.store.prepared import Prepared

Result = dict[str, Any]
DOUBT_SETTLED = failpoint("effects.doubt_settled")
FAILURE_STORED = failpoint("effects.failure_stored")
PENDING, DONE, FAILED, UNKNOWN = "pending", "done", "failed", "unknown"

_effects = tables.effects
_by_key = sa.and_(_effects.c.workspace_id == sa.bindparam("b_workspace_id"), _effects.c.key == sa.bindparam("b_key"))
_select = Prepared(
    sa.select(_effects.c.outcome, _effects.c.intent, _effects.c.result, _effects.c.attempt).where(_by_key)
)
_insert = Prepared(sa.insert(_effects))
_FIRST = ("workspace_id", "key", "kind", "subject", "intent", "outcome", "attempt", "fencing_token", "begun_at")
# As cheap as to look whether it is there, and mostly it is not.
_insert_unless_there = Prepared(
    sa.insert(_effects).from_select(
        _FIRST,
        sa.select(*(sa.bindparam(name, type_=_effects.c[name].type) for name in _FIRST)).where(
            ~sa.exists().where(_by_key)
        ),
    )
)
_update = Prepared(sa.update(_effects).where(_by_key))


@dataclass(frozen=True, slots=True)
class EffectKind:
    """One sort of effect and its failpoints: before the intent is stored, after it, after effect, after outcome."""

    name: str
    before_intent: str
    after_intent: str
    after_effect: str
    after_outcome: str


def effect_kind(name: str) -> EffectKind:
    """Declare a sort of effect (`forge.merge`) at module level; its four failpoints are registered."""
    moments = ("before_intent", "after_intent", "after_effect", "after_outcome")
    return EffectKind(name, *(failpoint(f"{name}.{moment}") for moment in moments))


@dataclass(frozen=True, slots=True)
class Effect:
    """What is stored of an effect. `result` is None while it is pending or unknown, {"error": …} where it failed."""

    outcome: str
    intent: dict[str, Any]
    result: Result | None
    attempt: int


def key_of(kind: EffectKind, key: str) -> str:
    """What an effect is stored under, where `perform` is given `key`."""
    return f"{kind.name}:{key}"


def perform(
    store: Store,
    kind: EffectKind,
    key: str,
    *,
    subject: str,
    intent: Mapping[str, Any],
    act: Callable[[], Result],
    probe: Callable[[], Result | None] | None = None,
    record: Callable[[Transaction, Result], None] | None = None,
    cause: Callable[[Transaction], None] | None = None,
    begun: bool = False,
) -> Result:
    """Do `act` once for `key`, ever, and return its result (JSON); done before, the stored result comes back.

    `record` writes what follows from the result, in the transaction of the outcome, so it too happens once.
    `cause` writes what led to the effect, in the transaction of the intent, each time that this is called.
    `begun`: the caller has stored the intent just now, with `begin_in`.
    `probe` asks the world whether an effect in doubt happened: its result, or None.

    Raises: EffectInDoubt where it cannot be known; whatever `act` raises (an OrketError is stored as failed: the world
    is as it was, and the next call tries again).
    """
    full_key = key_of(kind, key)
    if begun:
        found = _unbegun(intent)
    else:
        reach(kind.before_intent)
        found = begin(store, kind, full_key, subject=subject, intent=intent, cause=cause)
    if found.outcome == DONE:
        return found.result or {}
    reach(kind.after_intent)
    happened = _reconcile(store, full_key, found, probe, intent)
    result = happened if happened is not None else _act(store, full_key, act)
    reach(kind.after_effect)
    with store.write() as tx:
        end(tx, full_key, DONE, result)
        if record is not None:
            record(tx, result)
    reach(kind.after_outcome)
    return result


def begin(
    store: Store,
    kind: EffectKind,
    key: str,
    *,
    subject: str,
    intent: Mapping[str, Any],
    cause: Callable[[Transaction], None] | None = None,
) -> Effect:
    """Store the intent; return the effect as it stood before (attempt 0 where this is the first)."""
    first = _unbegun(intent)
    with store.write() as tx:
        if cause is not None:
            cause(tx)
        row = _first(tx, kind, key, subject=subject, intent=intent, fencing_token=_token(store))
        known = {"b_workspace_id": tx.workspace_id, "b_key": key}
        if tx.execute(_insert_unless_there, row | known).rowcount == 1:
            return first
        found = find(tx, key) or first
        if found.outcome == FAILED:
            _begin_again(tx, key, found.attempt + 1, intent, _token(store))
        return found


def _unbegun(intent: Mapping[str, Any]) -> Effect:
    return Effect(FAILED, dict(intent), None, 0)


def _begin_again(tx: Transaction, key: str, attempt: int, intent: Mapping[str, Any], token: int | None) -> None:
    values = {
        "outcome": PENDING,
        "attempt": attempt,
        "intent": dict(intent),
        "result": None,
        "fencing_token": token,
        "begun_at": tx.now,
        "ended_at": None,
    }
    tx.execute(_update, {"b_workspace_id": tx.workspace_id, "b_key": key} | values)


def _token(store: Store) -> int | None:
    return store.fence.token if store.fence else None


def begin_in(
    tx: Transaction, kind: EffectKind, key: str, *, subject: str, intent: Mapping[str, Any], fencing_token: int | None
) -> None:
    """Store a first intent, under its full key, in a transaction that the caller already has."""
    tx.execute(_insert, _first(tx, kind, key, subject=subject, intent=intent, fencing_token=fencing_token))


def _first(
    tx: Transaction, kind: EffectKind, key: str, *, subject: str, intent: Mapping[str, Any], fencing_token: int | None
) -> dict[str, Any]:
    return {
        "workspace_id": tx.workspace_id,
        "key": key,
        "kind": kind.name,
        "subject": subject,
        "intent": dict(intent),
        "outcome": PENDING,
        "attempt": 1,
        "fencing_token": fencing_token,
        "begun_at": tx.now,
    }


def end(tx: Transaction, key: str, outcome: str, result: Result | None) -> None:
    """Store the outcome of an effect."""
    tx.execute(
        _update,
        {
            "b_workspace_id": tx.workspace_id,
            "b_key": key,
            "outcome": outcome,
            "result": result,
            "ended_at": tx.now,
        },
    )


def find(tx: Transaction, key: str) -> Effect | None:
    """What is stored under `key`."""
    row = tx.execute(_select, {"b_workspace_id": tx.workspace_id, "b_key": key}).first()
    return Effect(row.outcome, row.intent, row.result, row.attempt) if row else None


def repeatable() -> None:
    """The probe of an act that itself finds what is done already: doing it again is asking."""
    return


def _reconcile(
    store: Store, key: str, found: Effect, probe: Callable[[], Result | None] | None, intent: Mapping[str, Any]
) -> Result | None:
    if found.outcome == FAILED:
        return None
    happened = probe() if probe is not None else None
    with store.write() as tx:
        if probe is None:
            end(tx, key, UNKNOWN, None)
        elif happened is None:
            _begin_again(tx, key, found.attempt + 1, intent, _token(store))
    reach(DOUBT_SETTLED)
    if probe is None:
        raise EffectInDoubt(
            f"{key} was begun by a process that died, and nobody can tell whether it happened",
            next_step="Look whether it did, then tell an operator: the effect stays unknown until then.",
        )
    return happened


def _act(store: Store, key: str, act: Callable[[], Result]) -> Result:
    try:
        return act()
    except OrketError as error:
        with store.write() as tx:
            end(tx, key, FAILED, {"error": str(error)})
        reach(FAILURE_STORED)
        raise
