"""What may be spent on an issue, on a rock and in a day, and what of it is left: pure decisions over the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.budget_settings import Budget, Budgets

NEARLY = 0.75
"""The part of a limit after which a model is told what is left."""


class Scope(StrEnum):
    """What a limit is for. All but the session's, which is a number of turns, are budgets that the settings name."""

    SESSION = "session"
    ISSUE = "issue"
    ROCK = "rock"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Spent:
    """What sessions have used. `cost` is in USD; `unpriced` counts the answers whose price is not known, which are not
    in it. `seconds` is the time that models and tools took.
    """

    requests: int = 0
    tool_calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One limit and how far it is used up."""

    scope: Scope
    measure: str
    spent: float
    limit: float

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.spent >= self.limit

    @property
    def is_nearly_spent(self) -> bool:
        """Whether it is time to say so."""
        return self.spent >= self.limit * NEARLY

    def __str__(self) -> str:
        return f"{_amount(self.spent, self.measure)} of {_amount(self.limit, self.measure)} of the {self.scope}"


def limited(budgets: Budgets) -> list[Scope]:
    """The scopes with a budget."""
    return [scope for scope in Scope if scope is not Scope.SESSION and budget_of(budgets, scope) != Budget()]


def budget_of(budgets: Budgets, scope: Scope) -> Budget:
    """The limits of one scope."""
    found: Budget = getattr(budgets, scope)
    return found


def compare(budgets: Budgets, ledger: Mapping[Scope, Spent]) -> list[Line]:
    """Every limit that is set for a scope of the ledger, beside what was spent of it."""
    return [line for scope, spent in ledger.items() for line in _lines(scope, budget_of(budgets, scope), spent)]


def wall_time(seconds: float, limit: float) -> Line:
    """How long a worker has been with an issue, beside how long it may be."""
    return Line(Scope.ISSUE, "seconds_of_wall_time", seconds, limit)


def describe_spent(spent: Spent) -> str:
    """What was used, for people."""
    unpriced = f" ({spent.unpriced:,} of them without a known price)" if spent.unpriced else ""
    used = (_amount(getattr(spent, measure), measure) for measure in ("tool_calls", "tokens", "cost"))
    work = f"{_amount(spent.seconds, 'seconds')} of models and tools at work"
    return f"{_amount(spent.requests, 'answers')}{unpriced}, {', '.join(used)}, {work}"


def describe_left(found: list[Line]) -> str:
    """What is left of each limit, for a model; empty where there is none."""
    told = (f"- {_amount(max(0, line.limit - line.spent), line.measure)} for the {line.scope}" for line in found)
    return "\n".join(told)


def _lines(scope: Scope, budget: Budget, spent: Spent) -> Iterator[Line]:
    for measure in type(budget).model_fields:
        limit = getattr(budget, measure)
        if limit is not None:
            yield Line(scope, measure, getattr(spent, measure), limit)


def _amount(value: float, measure: str) -> str:
    if measure == "cost":
        return f"${value:.4g}"
    return f"{value:,.0f} {measure.replace('_', ' ')}"
