"""The transition tables as data, and the one function that says whether a card may move.

The issue table has 17 moves, the epic's 7, the rock's 4. Done and canceled are final.
"""

from dataclasses import dataclass

from orket_pipelines.cards.model import WAITING, WORKABLE, Card, CardKind, CardState, WaitReason

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
    **dict.fromkeys(sorted(WORKABLE), ISSUE),
}

GUARD = "integrity_guard"
CANCELER = "project_manager"
SYSTEM = "system"


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


def judge(card: Card, move: Move) -> Refusal | None:
    """None where `card` may make `move`; otherwise the first rule that forbids it."""
    checks = (_table, _wait_reason, _finishing, _canceling)
    return next((refusal for check in checks if (refusal := check(card, move))), None)


def _table(card: Card, move: Move) -> Refusal | None:
    allowed = TABLES[card.kind].get(card.state, frozenset())
    if move.to in allowed:
        return None
    names = ", ".join(sorted(allowed)) or "nothing: it is final"
    return Refusal(
        "transition",
        f"{card.kind} {card.id} cannot move from {card.state} to {move.to}",
        f"From {card.state} it may go to: {names}.",
    )


def _wait_reason(card: Card, move: Move) -> Refusal | None:
    if move.to in WAITING and move.wait_reason is None:
        reasons = ", ".join(WaitReason)
        return Refusal("wait_reason", f"{card.id} may not be {move.to} without a reason", f"Name one of: {reasons}.")
    if move.to not in WAITING and move.wait_reason is not None:
        return Refusal("wait_reason", f"a card that is {move.to} does not wait", "Leave the wait reason out.")
    return None


def _finishing(card: Card, move: Move) -> Refusal | None:
    if move.to is not S.DONE or card.kind not in WORKABLE or move.actor == GUARD:
        return None
    if move.actor == SYSTEM and move.guard_approved:
        return None
    return Refusal(
        "guard_only",
        f"{move.actor} may not set {card.id} done",
        f"Only {GUARD} finishes an issue: request a review.",
    )


def _canceling(card: Card, move: Move) -> Refusal | None:
    if move.to is not S.CANCELED or move.actor == CANCELER:
        return None
    # A parent whose children are all canceled follows them.
    if move.actor == SYSTEM and card.kind not in WORKABLE:
        return None
    return Refusal(
        "cancel_needs_manager", f"{move.actor} may not cancel {card.id}", f"Ask the role {CANCELER} to cancel it."
    )
