"""Bugs found and fixed on each day of a phase, with the rate."""

from orket_pipelines.bugs.reports import PhaseReport
from orket_pipelines.plots import BAD, GOOD, QUIET, TREND, Plot, Series


def plot(report: PhaseReport) -> Plot:
    """Two bars a day, a line for the rate up to that day, and one across for the rate that extends a phase."""
    days = report.by_day
    return Plot(
        title=f"Bugs found and fixed by day in the phase of {report.rock_id}",
        labels=tuple(str(day.day) for day in days),
        bars=(
            Series("found", BAD, tuple(day.found for day in days)),
            Series("fixed", GOOD, tuple(day.fixed for day in days)),
        ),
        lines=(
            Series("found a day so far", TREND, tuple(day.rate for day in days)),
            Series("extends a phase", QUIET, tuple(report.limit for _ in days), is_limit=True),
        ),
    )
