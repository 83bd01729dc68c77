"""How many bugs a rock in its bug-fix phase turns up a day."""

from dataclasses import dataclass

from orket_pipelines.bugs import list_phases, rate_of
from orket_pipelines.bugs.model import DAY, Phase
from orket_pipelines.bugs.records import found_in
from orket_pipelines.store import Transaction


@dataclass(frozen=True, slots=True)
class BugRate:
    """Bugs found in a phase up to some time. `rate` is bugs a whole day; in the first day, their number."""

    rock_id: str
    bugs: int
    days: int

    @property
    def rate(self) -> float:
        return rate_of(self.bugs, self.days * DAY)


def bug_rates_of(tx: Transaction, *, at: int) -> list[BugRate]:
    """The rate of each phase that went on at this time (UTC, microseconds)."""
    phases = [phase for phase in list_phases(tx, over=True) if phase.started_at <= at <= (phase.ended_at or at)]
    return [_rate(tx, phase, at) for phase in phases]


def _rate(tx: Transaction, phase: Phase, at: int) -> BugRate:
    found = sum(bug.card.created_at <= at for bug in found_in(tx, phase.rock_id))
    return BugRate(phase.rock_id, found, (at - phase.started_at) // DAY)
