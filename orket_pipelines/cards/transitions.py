"""The one table of moves that a card can make, and the one function that says whether it may.

The issue table has 17 moves, the epic's 7, the rock's 4. Done and canceled are final. The code judges by `RULES`,
`orket cards rules` prints it, and the diagrams of docs/STATE_MACHINE.md are drawn from it.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from orket_pipelines.cards.model import TERMINAL, WAITING, WORKABLE, Card, CardKind, CardState, WaitReason

S = CardState

ISSUE: dict[CardState, frozenset[CardState]] = {
    S.READY: frozenset({S.IN_PROGRESS, S.CANCELED}),
    S.IN_PROGRESS: frozenset({S.BLOCKED, S.WAITING_FOR_DEVELOPER, S.READY_FOR_TESTING, S.CODE_REVIEW, S.CANCELED}),
    S.BLOCKED: frozenset({S.IN_PROGRESS, S.CANCELED}),
    S.WAITING_FOR_DEVELOPER: frozenset({S.IN_PROGRESS, S.CANCELED}),
    S.READY_FOR_TESTING: frozenset({S.CODE_REVIEW, S.IN_PROGRESS, S.CANCELED}),
    S.CODE_REVIEW: frozenset({S.DONE, S.IN_PROGRESS, S.READY_FOR_TESTING}),
    S.DONE: frozenset(),
    S.CANCELED: frozenset(),
}
EPIC: dict[CardState, frozenset[CardState]] = {
    S.READY: frozenset({S.IN_PROGRESS, S.CANCELED}),
    S.IN_PROGRESS: frozenset({S.CODE_REVIEW, S.DONE, S.CANCELED}),
    S.CODE_REVIEW: frozenset({S.DONE, S.IN_PROGRESS}),
    S.DONE: frozenset(),
    S.CANCELED: frozenset(),
}
ROCK: dict[CardState, frozenset[CardState]] = {
    S.READY: frozenset({S.IN_PROGRESS, S.CANCELED}),
    S.IN_PROGRESS: frozenset({S.DONE, S.CANCELED}),
    S.DONE: frozenset(),
    S.CANCELED: frozenset(),
}
TABLES: dict[CardKind, dict[CardState, frozenset[CardState]]] = {
    CardKind.ROCK: ROCK,
    CardKind.EPIC: EPIC,
    **dict.fromkeys((CardKind.ISSUE, CardKind.UTILITY, CardKind.APP), ISSUE),
}

GUARD = "integrity_guard"
CANCELER = "project_manager"
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: a card of `kind` may go from `start` to `end`.

    `actors` may make the move; empty means that everybody may. `on_approval` may make it only where the guard's
    approval is on record. `needs_reason`: a wait reason has to be named, and no other move takes one.
    `ends_children`: every child has to be done or canceled before.
    """

    kind: CardKind
    start: CardState
    end: CardState
    actors: tuple[str, ...] = ()
    on_approval: str | None = None
    needs_reason: bool = False
    ends_children: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """A move that somebody asks for. `actor` is a role, or `system`; `guard_approved` says that the guard's approval of
    the commit in question is on record, which is the only ground on which `system` may finish an issue."""

    to: CardState
    actor: str
    wait_reason: WaitReason | None = None
    note: str = ""
    guard_approved: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a move is not allowed, by which rule, and what would be."""

    rule: str
    reason: str
    fix: str


def _rules() -> Iterator[Rule]:
    for kind, table in TABLES.items():
        for start in CardState:
            for end in (state for state in CardState if state in table.get(start, ())):
                yield _rule(kind, start, end)


def _rule(kind: CardKind, start: CardState, end: CardState) -> Rule:
    if kind not in WORKABLE:
        # A parent whose children are all canceled follows them.
        actors = (CANCELER, SYSTEM) if end is S.CANCELED else ()
        return Rule(kind, start, end, actors, ends_children=end in TERMINAL)
    if end is S.DONE:
        return Rule(kind, start, end, (GUARD,), on_approval=SYSTEM)
    return Rule(kind, start, end, (CANCELER,) if end is S.CANCELED else (), needs_reason=end in WAITING)


RULES: tuple[Rule, ...] = tuple(_rules())
"""Every move that there is, by kind, in the order of the states."""
_BY_MOVE = {(rule.kind, rule.start, rule.end): rule for rule in RULES}


def ends_children(card: Card, move: Move) -> bool:
    """Whether the move hangs on the children of the card."""
    rule = _BY_MOVE.get((card.kind, card.state, move.to))
    return rule is not None and rule.ends_children


def judge(card: Card, move: Move, *, open_children: Collection[str] = ()) -> Refusal | None:
    """None where `card` may make `move`; otherwise the first rule that forbids it.

    `open_children` are the ids of its children that are neither done nor canceled.
    """
    rule = _BY_MOVE.get((card.kind, card.state, move.to))
    if rule is None:
        return _no_such_move(card, move)
    return _wait_reason(rule, card, move) or _actor(rule, card, move) or _children(rule, card, open_children)


def _no_such_move(card: Card, move: Move) -> Refusal:
    names = ", ".join(sorted(TABLES[card.kind].get(card.state, ()))) or "nothing: it is final"
    return Refusal(
        "transition",
        f"{card.kind} {card.id} cannot move from {card.state} to {move.to}",
        f"From {card.state} it may go to: {names}.",
    )


def _wait_reason(rule: Rule, card: Card, move: Move) -> Refusal | None:
    if rule.needs_reason and move.wait_reason is None:
        reasons = ", ".join(WaitReason)
        return Refusal("wait_reason", f"{card.id} may not be {move.to} without a reason", f"Name one of: {reasons}.")
    if not rule.needs_reason and move.wait_reason is not None:
        return Refusal("wait_reason", f"a card that is {move.to} does not wait", "Leave the wait reason out.")
    return None


def _actor(rule: Rule, card: Card, move: Move) -> Refusal | None:
    if not rule.actors or move.actor in rule.actors or (move.actor == rule.on_approval and move.guard_approved):
        return None
    if move.to is S.DONE:
        fix = f"Only {GUARD} finishes an issue: request a review."
        return Refusal("guard_only", f"{move.actor} may not set {card.id} done", fix)
    fix = f"Ask the role {CANCELER} to cancel it."
    return Refusal("cancel_needs_manager", f"{move.actor} may not cancel {card.id}", fix)


def _children(rule: Rule, card: Card, open_children: Collection[str]) -> Refusal | None:
    if not rule.ends_children or not open_children:
        return None
    reason = f"{card.kind} {card.id} may not be {rule.end} while cards in it are open: {', '.join(open_children)}"
    return Refusal("open_children", reason, "Finish or cancel these first; it follows them by itself.")
