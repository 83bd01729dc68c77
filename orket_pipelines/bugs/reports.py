"""What a phase came to, as facts: for machines as JSON, for people as a page (`page.py`) and in the terminal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs.deciding import rate_of
from orket_pipelines.bugs.model import DAY, Phase
from orket_pipelines.bugs.records import found_in, spent_on, toll_of
from orket_pipelines.cards.bugs import Bug
from orket_pipelines.cards.records import get_card
from orket_pipelines.clock import Moment
from orket_pipelines.store import Transaction


@dataclass(frozen=True, slots=True)
class DayOfPhase:
    """One day of a phase, from 1. `rate` is that of the whole phase up to its end."""

    day: int
    found: int
    fixed: int
    rate: float


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """`days` is how long it went on, `planned_days` how long it was to, `rate` bugs a day, `limit` the rate above which
    it is extended. `spent`: what agents did for its bugs. Times are microseconds, UTC."""

    rock_id: str
    rock: str
    state: str
    reason: str
    days: float
    planned_days: float
    extensions: int
    started_at: int
    ended_at: int | None
    found: int
    fixed: int
    left_open: int
    open_high: int
    rate: float
    limit: float
    left_to: str | None
    by_day: tuple[DayOfPhase, ...]
    bugs: tuple[dict[str, Any], ...]
    spent: dict[str, float]
    logs: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """As the store and `--json` have it."""
        return asdict(self) | {name: list(asdict(self)[name]) for name in ("by_day", "bugs", "logs")}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "PhaseReport":
        """What `as_json` told."""
        days = tuple(DayOfPhase(**day) for day in told["by_day"])
        return cls(**{**told, "by_day": days, "bugs": tuple(told["bugs"]), "logs": tuple(told["logs"])})


def current(tx: Transaction, phase: Phase, moment: Moment, rules: BugPhases) -> PhaseReport:
    """The report as it stands; the kept one of a phase that is over."""
    if phase.closing is not None:
        return PhaseReport.from_json(phase.closing)
    going_on = replace(phase, elapsed=phase.elapsed_at(moment), seen=moment)
    return report_of(tx, going_on, found_in(tx, phase.rock_id), rules)


def report_of(tx: Transaction, phase: Phase, bugs: Sequence[Bug], rules: BugPhases) -> PhaseReport:
    """The report of a phase that has gone on for as long as it says, with the bugs found in it."""
    toll = toll_of(bugs)
    return PhaseReport(
        rock_id=phase.rock_id,
        rock=get_card(tx, phase.rock_id).name,
        state=str(phase.state),
        reason=phase.reason,
        days=round(phase.elapsed / DAY, 3),
        planned_days=phase.planned / DAY,
        extensions=phase.extensions,
        started_at=phase.started_at,
        ended_at=phase.ended_at,
        found=toll.found,
        fixed=toll.fixed,
        left_open=toll.open,
        open_high=toll.open_high,
        rate=round(rate_of(toll.found, phase.elapsed), 3),
        limit=rules.rate,
        left_to=phase.left_to,
        by_day=days_of(phase, bugs),
        bugs=tuple(_told(bug) for bug in bugs),
        spent=spent_on(tx, [bug.card.id for bug in bugs]),
        logs=tuple(phase.logs),
    )


def days_of(phase: Phase, bugs: Sequence[Bug]) -> tuple[DayOfPhase, ...]:
    """Every day of the phase so far, quiet ones too; the last may have only begun."""
    last = max(0, phase.elapsed - 1) // DAY
    found = Counter(_day(phase, bug.card.created_at, last) for bug in bugs)
    fixed = Counter(_day(phase, bug.card.updated_at, last) for bug in bugs if bug.is_fixed)
    days, total = [], 0
    for day in range(last + 1):
        total += found[day]
        days.append(DayOfPhase(day + 1, found[day], fixed[day], round(total / (day + 1), 3)))
    return tuple(days)


def _day(phase: Phase, at: int, last: int) -> int:
    """A stored time is of a clock that may be set: what seems to lie outside of the phase is put at its ends."""
    return min(max(0, (at - phase.started_at) // DAY), last)


def _told(bug: Bug) -> dict[str, Any]:
    about = {"id": bug.card.id, "name": bug.card.name, "state": str(bug.card.state), "priority": bug.card.priority}
    found = {"severity": str(bug.severity), "source": str(bug.source), "by": bug.by, **asdict(bug.found_in)}
    return about | found | {"found_at": bug.card.created_at}
