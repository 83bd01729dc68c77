"""Reads and writes of bug-fix phases."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from orket_pipelines.bugs.model import OVER, Phase, PhaseState, Toll
from orket_pipelines.cards.bugs import HIGH, Bug, bugs_of
from orket_pipelines.clock import Moment
from orket_pipelines.errors import CardError
from orket_pipelines.store import Transaction, tables

_phases = tables.bug_phases
_turns, _sessions = tables.turns, tables.sessions


def find_phase(tx: Transaction, rock_id: str) -> Phase | None:
    """The rock's phase; None where it has none."""
    mine = sa.and_(_phases.c.workspace_id == tx.workspace_id, _phases.c.rock_id == rock_id)
    row = tx.execute(sa.select(_phases).where(mine)).first()
    return _phase(row) if row else None


def get_phase(tx: Transaction, rock_id: str) -> Phase:
    """The rock's phase. Raises: CardError where it has none."""
    found = find_phase(tx, rock_id)
    if found is None:
        raise CardError(
            f"the rock {rock_id} has no bug-fix phase: one begins when a rock is done",
            next_step="See which there are: orket bugs phase list",
        )
    return found


def list_phases(tx: Transaction, *, over: bool = False) -> list[Phase]:
    """Those that go on, the oldest first; with `over`, those that ended too."""
    query = sa.select(_phases).where(_phases.c.workspace_id == tx.workspace_id)
    if not over:
        query = query.where(_phases.c.state.not_in([str(state) for state in OVER]))
    return [_phase(row) for row in tx.execute(query.order_by(_phases.c.started_at, _phases.c.rock_id))]


def rocks_in_phase(tx: Transaction) -> frozenset[str]:
    """The rocks whose phase goes on: their sandboxes are kept."""
    return frozenset(phase.rock_id for phase in list_phases(tx))


def found_in(tx: Transaction, rock_id: str) -> list[Bug]:
    """The bugs found in the rock's phase, oldest first; what was found before it began is none of them."""
    return [bug for bug in bugs_of(tx, rock_id) if bug.in_phase]


def critical_bugs(tx: Transaction, rock_id: str) -> list[Bug]:
    """The bugs of a rock that are to be worked on at once, the worst first."""
    found = [bug for bug in bugs_of(tx, rock_id) if bug.is_open and bug.is_critical]
    return sorted(found, key=lambda bug: -bug.card.priority)


def toll_of(bugs: Iterable[Bug]) -> Toll:
    """What these bugs come to."""
    bugs = list(bugs)
    left = [bug for bug in bugs if bug.is_open]
    high = sum(bug.card.priority >= HIGH for bug in left)
    return Toll(len(bugs), sum(bug.is_fixed for bug in bugs), len(left), high)


def insert_phase(tx: Transaction, phase: Phase) -> None:
    """Store a new phase."""
    tx.execute(sa.insert(_phases), {"workspace_id": tx.workspace_id, **_row(phase)})


def update_phase(tx: Transaction, phase: Phase, **values: Any) -> Phase:
    """Write the phase with these values; it as it then is."""
    changed = replace(phase, **values)
    mine = sa.and_(_phases.c.workspace_id == tx.workspace_id, _phases.c.rock_id == phase.rock_id)
    tx.execute(sa.update(_phases).where(mine).values(_row(changed)))
    return changed


def spent_on(tx: Transaction, card_ids: Iterable[str]) -> dict[str, float]:
    """What agents did for these cards: `sessions`, `turns`, `tokens`, `usd`, and `unpriced` turns, not in it."""
    same = sa.and_(_turns.c.workspace_id == _sessions.c.workspace_id, _turns.c.session_id == _sessions.c.id)
    columns = {
        "sessions": sa.func.count(sa.distinct(_sessions.c.id)),
        "turns": sa.func.count(_turns.c.number),
        "tokens": sa.func.coalesce(sa.func.sum(_turns.c.input_tokens + _turns.c.output_tokens), 0),
        "usd": sa.func.coalesce(sa.func.sum(_turns.c.cost), 0.0),
        "unpriced": sa.func.count(_turns.c.number).filter(_turns.c.cost.is_(None)),
    }
    query = sa.select(*(column.label(name) for name, column in columns.items())).select_from(
        _sessions.outerjoin(_turns, same)
    )
    mine = query.where(_sessions.c.workspace_id == tx.workspace_id, _sessions.c.card_id.in_(list(card_ids)))
    row = tx.execute(mine).mappings().one()
    # PostgreSQL's sums of integers are decimals.
    return {name: round(float(row[name]), 9) if name == "usd" else int(row[name]) for name in columns}


def _row(phase: Phase) -> dict[str, Any]:
    return {
        "rock_id": phase.rock_id,
        "state": str(phase.state),
        "planned": phase.planned,
        "elapsed": phase.elapsed,
        "seen_at": phase.seen.at,
        "seen_ticks": phase.seen.ticks,
        "seen_boot": phase.seen.boot,
        "started_at": phase.started_at,
        "extensions": phase.extensions,
        "ends_as": str(phase.ends_as) if phase.ends_as else None,
        "reason": phase.reason,
        "ended_at": phase.ended_at,
        "left_to": phase.left_to,
        "logs": phase.logs,
        "closing": phase.closing,
    }


def _phase(row: Any) -> Phase:
    return Phase(
        rock_id=row.rock_id,
        state=PhaseState(row.state),
        planned=row.planned,
        elapsed=row.elapsed,
        seen=Moment(row.seen_at, row.seen_ticks, row.seen_boot),
        started_at=row.started_at,
        extensions=row.extensions,
        ends_as=PhaseState(row.ends_as) if row.ends_as else None,
        reason=row.reason,
        ended_at=row.ended_at,
        left_to=row.left_to,
        logs=row.logs,
        closing=row.closing,
    )
