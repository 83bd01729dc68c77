"""Calls that do not run before a person has decided: what was asked, what was answered, and by whom.

Which tools they are of is the setting `approvals`. The request is stored, the card waits, and whatever dies meanwhile:
the session goes on at this very call, with the stored decision.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from orket_pipelines.agents.tools.model import Tool
from orket_pipelines.cards.model import WAITING, CardState, WaitReason
from orket_pipelines.cards.records import get_card, move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.errors import ApprovalNeeded, OrketError, SettingsError
from orket_pipelines.store import Transaction, append, failpoint, tables

ASKED = failpoint("agents.approval_asked")
_approvals = tables.approvals
SEE = "See which there are: orket approvals list"


@dataclass(frozen=True, slots=True)
class Approval:
    """One call that a person decides about. `arguments` is their JSON, whole; `granted` is None until it is decided.

    `call` is the key of the call's effect. Times are microseconds.
    """

    id: str
    call: str
    card_id: str
    session_id: str
    role: str
    tool: str
    arguments: str
    asked_at: int = 0
    granted: bool | None = None
    decided_by: str | None = None
    reason: str | None = None
    decided_at: int | None = None


def demand_known(approvals: Collection[str], tools: Mapping[str, Tool]) -> None:
    """Raises: SettingsError where a name is no tool's: what it was meant to hold back would run."""
    unknown = sorted(set(approvals) - set(tools))
    if unknown:
        raise SettingsError(
            f"approvals: there is no tool {', '.join(unknown)}", next_step=f"Tools are: {', '.join(sorted(tools))}."
        )


def ask_approval(tx: Transaction, wanted: Approval) -> Approval:
    """The request for this call, stored where it is new: as it was asked first."""
    found = _first(tx, _approvals.c.call == wanted.call)
    if found is not None:
        return found
    tx.execute(sa.insert(_approvals), {"workspace_id": tx.workspace_id, **asdict(wanted), "asked_at": tx.now})
    about = {"approval": wanted.id, "tool": wanted.tool, "role": wanted.role, "session_id": wanted.session_id}
    append(tx, "approval.requested", wanted.card_id, about)
    return get_approval(tx, wanted.id)


def needed(approval: Approval) -> ApprovalNeeded:
    """What a session stops with."""
    return ApprovalNeeded(
        f"{approval.role} wants to call {approval.tool}, and a person decides about it",
        next_step=f"Look at it: orket approvals show {approval.id}; then grant or refuse it.",
    )


def decide(tx: Transaction, approval_id: str, *, granted: bool, by: str, reason: str = "") -> tuple[Approval, bool]:
    """Store a person's decision; whether the card, which waited for it alone, goes on.

    Raises: OrketError where there is no such request, or it was decided the other way.
    """
    found = get_approval(tx, approval_id)
    if found.granted is None:
        mine = sa.and_(_approvals.c.workspace_id == tx.workspace_id, _approvals.c.id == approval_id)
        values = {"granted": granted, "decided_by": by, "reason": reason, "decided_at": tx.now}
        tx.execute(sa.update(_approvals).where(mine).values(values))
        payload = {"approval": approval_id, "tool": found.tool, "granted": granted, "by": by, "reason": reason}
        append(tx, "approval.decided", found.card_id, payload)
    elif found.granted is not granted:
        said = "granted" if found.granted else "refused"
        raise OrketError(f"the call {approval_id} was {said} by {found.decided_by} already", next_step=SEE)
    return get_approval(tx, approval_id), _resume(tx, found, by)


def get_approval(tx: Transaction, approval_id: str) -> Approval:
    """The request with this id. Raises: OrketError."""
    found = _first(tx, _approvals.c.id == approval_id)
    if found is None:
        raise OrketError(f"no call {approval_id!r} was asked about", next_step=SEE)
    return found


def list_approvals(tx: Transaction, *, card_id: str | None = None, undecided: bool = False) -> list[Approval]:
    """Requests, oldest first; those of one card, those that nobody has decided."""
    query = sa.select(_approvals).where(_approvals.c.workspace_id == tx.workspace_id)
    if card_id is not None:
        query = query.where(_approvals.c.card_id == card_id)
    if undecided:
        query = query.where(_approvals.c.granted.is_(None))
    rows = tx.execute(query.order_by(_approvals.c.asked_at, _approvals.c.id)).mappings()
    return [_approval(row) for row in rows]


def _resume(tx: Transaction, approval: Approval, by: str) -> bool:
    """Let the card go on where it waits for this decision, as its note says."""
    card = get_card(tx, approval.card_id)
    waits = card.state in WAITING and card.wait_reason is WaitReason.INPUT and approval.id in card.note
    if waits:
        move_in(tx, card, Move(CardState.IN_PROGRESS, by, note=f"{by} decided about {approval.tool}"))
    return waits


def _first(tx: Transaction, condition: sa.ColumnElement[bool]) -> Approval | None:
    query = sa.select(_approvals).where(_approvals.c.workspace_id == tx.workspace_id, condition)
    row = tx.execute(query).mappings().first()
    return _approval(row) if row else None


def _approval(row: sa.RowMapping) -> Approval:
    return Approval(**{key: value for key, value in row.items() if key != "workspace_id"})
