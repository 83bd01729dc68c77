"""What a bench prints, and which benches there are."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from orket_pipelines.errors import OrketError

BENCHES = (
    "agent-step",
    "delivery",
    "gate",
    "overhead",
    "resume",
    "sandbox",
    "scheduler",
    "stuck",
    "tool-call",
    "verify",
)
"""Each is a module of this room, with underscores, and has `measure(report) -> list[Metric]`."""
Report = Callable[[str], None]
"""Hears in one line what is being measured now."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure. `floor` is what the bare means take for the same, in the same run; `ratio` is value over floor."""

    metric: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None


def against(metric: str, value: float, unit: str, floor: float) -> Metric:
    """A figure beside its floor."""
    return Metric(metric, round(value, 3), unit, round(floor, 3), round(value / floor, 2) if floor else None)


def run_bench(name: str, report: Report) -> list[Metric]:
    """Measure. Raises: OrketError where there is no such bench."""
    if name not in BENCHES:
        raise OrketError(f"there is no bench {name!r}", next_step=f"There are: {', '.join(BENCHES)}.")
    module = import_module(f"orket_pipelines.bench.{name.replace('-', '_')}")
    found: list[Metric] = module.measure(report)
    return found
