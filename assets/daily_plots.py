"""What a person would rather see than read: the days up to one, as pictures. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from orket_pipelines.plots import BAD, GOOD, QUIET, TREND, Plot, Series

WINDOW = 14
"""Days that a picture shows."""
Days = Mapping[str, Mapping[str, Any]]
"""The rows of the query `plotted`, by their day."""


def window(last: str) -> list[str]:
    """The days that a picture of `last` shows, oldest first."""
    end = date.fromisoformat(last)
    return [(end - timedelta(days=back)).isoformat() for back in reversed(range(WINDOW))]


def work_plots(rows: Days, last: str) -> dict[str, Plot]:
    """By the name under which it is shown: how long issues took, how long sandboxes were up, which tests wavered."""
    plots = {
        "cycle times": _plot(
            "Hours from the start of an issue to its end, by the day on which it was done",
            last,
            bars=(("half within", TREND), ("longest", QUIET)),
            rows=rows,
        ),
        "uptime": _plot(
            "Percent of the known time for which sandboxes were up", last, lines=(("uptime", GOOD),), rows=rows
        ),
        "flaky tests": _plot(
            "Results of single tests that were flaky, and that failed",
            last,
            bars=(("flaky", TREND), ("failed", BAD)),
            rows=rows,
        ),
    }
    return {name: plot for name, plot in plots.items() if not plot.is_empty}


def bug_plots(rows: Days, last: str) -> dict[str, Plot]:
    """The same of bugs: how many were found and fixed, in all rocks."""
    plot = _plot("Bugs found and fixed, in all rocks", last, bars=(("found", BAD), ("fixed", GOOD)), rows=rows)
    return {} if plot.is_empty else {"by day": plot}


def _plot(
    title: str,
    last: str,
    *,
    rows: Days,
    bars: Sequence[tuple[str, str]] = (),
    lines: Sequence[tuple[str, str]] = (),
) -> Plot:
    days = window(last)

    def series(name: str, colour: str) -> Series:
        column = name.replace(" ", "_")
        return Series(name, colour, tuple(rows.get(day, {}).get(column) for day in days))

    return Plot(
        title,
        labels=tuple(day[5:] for day in days),
        bars=tuple(series(*each) for each in bars),
        lines=tuple(series(*each) for each in lines),
    )
