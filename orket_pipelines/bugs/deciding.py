"""Whether a phase goes on, is extended or ends: by how long it has gone on and what was found. Pure."""

from dataclasses import dataclass

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs.model import DAY, Phase, Toll


@dataclass(frozen=True, slots=True)
class GoOn:
    """`left`: microseconds to the end that is planned."""

    left: int


@dataclass(frozen=True, slots=True)
class Extend:
    """It goes on until it has been `planned` microseconds long; `reason` is a sentence."""

    planned: int
    reason: str


@dataclass(frozen=True, slots=True)
class End:
    """Its time is over; `reason` is a sentence."""

    reason: str


Decision = GoOn | Extend | End


def rate_of(found: int, elapsed: int) -> float:
    """Bugs found in each whole day that has passed; in the first day, their number."""
    return found / max(1, elapsed // DAY)


def decide(phase: Phase, elapsed: int, toll: Toll, rules: BugPhases) -> Decision:
    """What becomes of a phase that has gone on for `elapsed` microseconds.

    Bugs extend it at its end, and never before: a bad first day may be made up for.
    """
    if elapsed < phase.planned:
        return GoOn(phase.planned - elapsed)
    why = _too_many(elapsed, toll, rules)
    if not why:
        return End(f"its {_days(phase.planned)} are over")
    longest = int(rules.longest_days * DAY)
    if phase.planned >= longest:
        return End(f"it may last {_days(longest)} and no longer, although {why}")
    return Extend(min(phase.planned + int(rules.extension_days * DAY), longest), why)


def _too_many(elapsed: int, toll: Toll, rules: BugPhases) -> str:
    """Why it should not end yet; empty where nothing speaks against it."""
    rate = rate_of(toll.found, elapsed)
    if rate > rules.rate:
        return f"{rate:g} bugs a day are found, more than {rules.rate:g}"
    if toll.open_high > rules.high_bugs:
        return f"{toll.open_high} bugs of priority 3 are open, more than {rules.high_bugs}"
    return ""


def _days(length: int) -> str:
    return f"{length / DAY:g} days"
