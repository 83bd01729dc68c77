"""The facts of a bug-fix phase."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from orket_pipelines.clock import MICROSECONDS, Moment

DAY = 86_400 * MICROSECONDS


class PhaseState(StrEnum):
    """Active, extended at least once; ended by itself, or by a person."""

    ACTIVE = "active"
    EXTENDED = "extended"
    COMPLETED = "completed"
    ABORTED = "aborted"


OVER = frozenset({PhaseState.COMPLETED, PhaseState.ABORTED})


@dataclass(frozen=True, slots=True)
class Phase:
    """The phase of a rock. Lengths are microseconds of a clock that nobody sets.

    `planned` is how long it is to be, `elapsed` how long it had gone on when it was last looked at, at `seen`.
    `ends_as` is what it is to become once its end is decided: what follows from that may have to be carried on.
    `left_to` is the rock that open bugs went to, None where none were left. `logs` are what its sandbox said last, kept
    as files; `closing` is its report, as JSON, once it is over.
    """

    rock_id: str
    state: PhaseState
    planned: int
    elapsed: int
    seen: Moment
    started_at: int
    extensions: int = 0
    ends_as: PhaseState | None = None
    reason: str = ""
    ended_at: int | None = None
    left_to: str | None = None
    logs: list[dict[str, Any]] = field(default_factory=list)
    closing: dict[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    def elapsed_at(self, moment: Moment) -> int:
        """How long it has gone on by then; what is over goes on no longer."""
        return self.elapsed if self.is_over else self.elapsed + moment.since(self.seen)


@dataclass(frozen=True, slots=True)
class Toll:
    """What a phase has come to: bugs found in it, those fixed, those open, and how many of these have priority 3."""

    found: int
    fixed: int
    open: int
    open_high: int
