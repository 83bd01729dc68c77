"""Reads and writes of cards."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from orket_pipelines.cards.model import TERMINAL, Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.ranking import count_unmet_behind
from orket_pipelines.cards.transitions import Move, Refusal, ends_children, judge
from orket_pipelines.errors import CardError, TransitionRefused
from orket_pipelines.policy import Violation, refusals_on_record
from orket_pipelines.store import Prepared, Store, Transaction, append, new_id, tables

_cards = tables.cards
_dependencies = tables.card_dependencies
MANY = 50
"""Cards at once that change what a database knows of its tables."""
_NOT_OF_THE_CARD = frozenset({"workspace_id", "position", "rank", "unmet"})
_one = Prepared(
    sa.select(_cards).where(
        _cards.c.workspace_id == sa.bindparam("workspace_id"), _cards.c.id == sa.bindparam("card_id")
    )
)
_state = Prepared(
    sa.select(_cards.c.state).where(
        _cards.c.workspace_id == sa.bindparam("workspace_id"), _cards.c.id == sa.bindparam("card_id")
    )
)
_child_states = Prepared(
    sa.select(_cards.c.state)
    .where(_cards.c.workspace_id == sa.bindparam("workspace_id"), _cards.c.parent_id == sa.bindparam("parent_id"))
    .distinct()
)
_move = Prepared(
    sa.update(_cards).where(
        _cards.c.workspace_id == sa.bindparam("b_workspace_id"),
        _cards.c.id == sa.bindparam("b_card_id"),
        _cards.c.state == sa.bindparam("b_state"),
    )
)
_events = tables.events
_last_moved = Prepared(
    sa.select(_events.c.payload)
    .where(
        _events.c.workspace_id == sa.bindparam("workspace_id"),
        _events.c.subject == sa.bindparam("card_id"),
        _events.c.kind == "card.moved",
    )
    .order_by(_events.c.seq.desc())
    .limit(1)
)
_comments = Prepared(
    sa.select(tables.comments.c.author, tables.comments.c.body)
    .where(
        tables.comments.c.workspace_id == sa.bindparam("workspace_id"),
        tables.comments.c.card_id == sa.bindparam("card_id"),
    )
    .order_by(tables.comments.c.at, tables.comments.c.id)
)


def find_card(tx: Transaction, card_id: str) -> Card | None:
    """The card with this id."""
    key = {"workspace_id": tx.workspace_id, "card_id": card_id}
    row = tx.execute(_one, key).first()
    return _card(row) if row else None


def get_card(tx: Transaction, card_id: str) -> Card:
    """The card with this id. Raises: CardError where there is none."""
    card = find_card(tx, card_id)
    if card is None:
        raise CardError(f"there is no card {card_id!r}", next_step="See which there are: orket cards list")
    return card


def get_state(tx: Transaction, card_id: str) -> CardState:
    """Where the card stands. Raises: CardError where there is none."""
    state = tx.execute(_state, {"workspace_id": tx.workspace_id, "card_id": card_id}).scalar()
    return CardState(state) if state is not None else get_card(tx, card_id).state


def list_cards(
    tx: Transaction,
    *,
    rock_id: str | None = None,
    parent_id: str | None = None,
    kinds: Iterable[CardKind] | None = None,
    states: Iterable[CardState] | None = None,
) -> list[Card]:
    """The cards that match every filter given, oldest first, in the order of their files."""
    query = sa.select(_cards).where(_cards.c.workspace_id == tx.workspace_id)
    if rock_id is not None:
        query = query.where(_cards.c.rock_id == rock_id)
    if parent_id is not None:
        query = query.where(_cards.c.parent_id == parent_id)
    if kinds is not None:
        query = query.where(_cards.c.kind.in_([str(kind) for kind in kinds]))
    if states is not None:
        query = query.where(_cards.c.state.in_([str(state) for state in states]))
    rows = tx.execute(query.order_by(_cards.c.created_at, _cards.c.position, _cards.c.id))
    return [_card(row) for row in rows]


def insert_cards(tx: Transaction, cards: Iterable[Card]) -> None:
    """Store new cards in the order given, one `card.created` event each."""
    stored = list(cards)
    for position, card in enumerate(stored):
        row = _row(card) | {"created_at": tx.now, "updated_at": tx.now, "position": position}
        tx.execute(sa.insert(_cards), {"workspace_id": tx.workspace_id, **row})
        _set_dependencies(tx, card)
        append(tx, "card.created", card.id, _row(card))
    if len(stored) >= MANY:
        tx.refresh_statistics(_cards, _dependencies)


def update_card(tx: Transaction, card: Card) -> None:
    """Overwrite what files say of a card (not its state, wait reason, note and attempt); a `card.changed` event."""
    kept = {"state", "wait_reason", "note", "attempt", "created_at"}
    row = {key: value for key, value in _row(card).items() if key not in kept}
    tx.execute(
        sa.update(_cards)
        .where(_cards.c.workspace_id == tx.workspace_id, _cards.c.id == card.id)
        .values(row | {"updated_at": tx.now, "rank": None})
    )
    _set_dependencies(tx, card)
    append(tx, "card.changed", card.id, _row(card))


def free_names(tx: Transaction, card_ids: Collection[str]) -> None:
    """Let go of the names of cards that `update_card` is about to name anew; so two can swap theirs."""
    if card_ids:
        mine = sa.and_(_cards.c.workspace_id == tx.workspace_id, _cards.c.id.in_(card_ids))
        tx.execute(sa.update(_cards).where(mine).values(name=_cards.c.id + new_id()))


def set_source(tx: Transaction, card_id: str, source: str | None) -> None:
    """Remember that a card has moved within its file, or to another; that is no change of the card."""
    mine = sa.and_(_cards.c.workspace_id == tx.workspace_id, _cards.c.id == card_id)
    tx.execute(sa.update(_cards).where(mine).values(source=source))


def move_card(store: Store, card_id: str, move: Move) -> Card:
    """Move a card in a transaction of its own; a refusal is recorded as a policy violation, in another.

    Raises: TransitionRefused where a rule forbids it.
    """
    with refusals_on_record(store), store.write() as tx:
        return move_in(tx, get_card(tx, card_id), move)


def move_in(tx: Transaction, card: Card, move: Move) -> Card:
    """Move `card` in the caller's transaction, by compare-and-set on its state; its parents follow.

    Raises: TransitionRefused where a rule forbids it, or somebody else moved it first.
    """
    refusal = judge(card, move, open_children=_open_children(tx, card.id) if ends_children(card, move) else ())
    if refusal is not None:
        raise _refused(tx, card, move, refusal)
    _set_state(tx, card, move)
    moved = replace(card, state=move.to, wait_reason=move.wait_reason, note=move.note, updated_at=tx.now)
    # Only a beginning and an end can move a parent.
    if card.state is CardState.READY or moved.state in TERMINAL:
        _parents_follow(tx, moved)
    return moved


def add_comment(tx: Transaction, card_id: str, author: str, body: str) -> None:
    """Store a comment on a card; a `card.commented` event."""
    row = {"id": new_id(), "card_id": card_id, "author": author, "body": body, "at": tx.now}
    tx.execute(sa.insert(tables.comments), {"workspace_id": tx.workspace_id, **row})
    append(tx, "card.commented", card_id, {"author": author, "body": body})


def comments_of(tx: Transaction, card_id: str) -> list[tuple[str, str]]:
    """(author, body) of each comment, oldest first."""
    rows = tx.execute(_comments, {"workspace_id": tx.workspace_id, "card_id": card_id})
    return [(row.author, row.body) for row in rows]


def _set_state(tx: Transaction, card: Card, move: Move) -> None:
    changed = tx.execute(
        _move,
        {
            "b_workspace_id": tx.workspace_id,
            "b_card_id": card.id,
            "b_state": str(card.state),
            "state": str(move.to),
            "wait_reason": move.wait_reason and str(move.wait_reason),
            "note": move.note,
            "updated_at": tx.now,
        },
    )
    if changed.rowcount != 1:
        raise TransitionRefused(
            f"{card.id} is no longer {card.state}: somebody else moved it first{_last_move(tx, card.id)}",
            next_step=f"Look where it stands now: orket cards show {card.id}",
        )
    if move.to is CardState.DONE:
        count_unmet_behind(tx, card.id)
    payload = {"from": card.state, "to": move.to, "wait_reason": move.wait_reason, "note": move.note, "kind": card.kind}
    append(tx, "card.moved", card.id, payload | {"rock": card.rock_id, "actor": move.actor})


def _refused(tx: Transaction, card: Card, move: Move, refusal: Refusal) -> TransitionRefused:
    reason = refusal.reason
    if move.to is card.state:
        reason = f"{card.kind} {card.id} is {card.state} already{_last_move(tx, card.id)}"
    attempted = {"move": move.to, "from": card.state, "wait_reason": move.wait_reason, "note": move.note}
    violation = Violation(refusal.rule, move.actor, attempted, reason, refusal.fix, card_id=card.id)
    return TransitionRefused(reason, next_step=refusal.fix, violation=violation)


def _last_move(tx: Transaction, card_id: str) -> str:
    """Who moved the card last, as the end of a sentence; empty where nobody has."""
    told = tx.execute(_last_moved, {"workspace_id": tx.workspace_id, "card_id": card_id}).scalar()
    return f" ({told['actor']}, from {told['from']} to {told['to']})" if told else ""


def _open_children(tx: Transaction, card_id: str) -> list[str]:
    """The ids of those that are neither done nor canceled, in the order of their files."""
    return [child.id for child in list_cards(tx, parent_id=card_id) if child.state not in TERMINAL]


def _parents_follow(tx: Transaction, card: Card) -> None:
    """An epic or rock starts with its first child and ends with its last: done if any child is, else canceled."""
    if card.parent_id is None:
        return
    parent = get_card(tx, card.parent_id)
    target = _where_to(parent, _states_of_children(tx, parent.id))
    if target is not None:
        moved = move_in(tx, parent, Move(target, "system", note=f"follows {card.id}"))
        if moved.state is CardState.IN_PROGRESS:
            _parents_follow(tx, replace(card, parent_id=parent.id))


def _where_to(parent: Card, children: set[CardState]) -> CardState | None:
    if parent.state is CardState.READY:
        return CardState.IN_PROGRESS if children != {CardState.READY} else None
    if parent.state is not CardState.IN_PROGRESS or not children <= {CardState.DONE, CardState.CANCELED}:
        return None
    return CardState.DONE if CardState.DONE in children else CardState.CANCELED


def _states_of_children(tx: Transaction, parent_id: str) -> set[CardState]:
    rows = tx.execute(_child_states, {"workspace_id": tx.workspace_id, "parent_id": parent_id})
    return {CardState(state) for state in rows.scalars()}


def _set_dependencies(tx: Transaction, card: Card) -> None:
    mine = sa.and_(_dependencies.c.workspace_id == tx.workspace_id, _dependencies.c.card_id == card.id)
    tx.execute(sa.delete(_dependencies).where(mine))
    rows = [{"workspace_id": tx.workspace_id, "card_id": card.id, "depends_on_id": other} for other in card.depends_on]
    if rows:
        tx.execute(sa.insert(_dependencies), rows)


def _card(row: Any) -> Card:
    return Card(
        id=row.id,
        kind=CardKind(row.kind),
        name=row.name,
        state=CardState(row.state),
        parent_id=row.parent_id,
        rock_id=row.rock_id,
        wait_reason=WaitReason(row.wait_reason) if row.wait_reason else None,
        note=row.note,
        priority=row.priority,
        seat=row.seat,
        attempt=row.attempt,
        details=row.details,
        depends_on=tuple(row.depends_on),
        source=row.source,
        content_hash=row.content_hash,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _row(card: Card) -> dict[str, Any]:
    names = (column.name for column in _cards.columns if column.name not in _NOT_OF_THE_CARD)
    row = {name: getattr(card, name) for name in names}
    told = {"kind": str(card.kind), "state": str(card.state), "wait_reason": card.wait_reason}
    return row | told | {"depends_on": sorted(card.depends_on)}
