"""Bugs found and fixed on each day of a phase, with the rate, as one SVG that needs nothing besides."""

from collections.abc import Iterator, Sequence
from html import escape

from orket_pipelines.bugs.reports import DayOfPhase, PhaseReport

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 260, 40, 30, 24
FOUND, FIXED, RATE, LIMIT = "#c0392b", "#27864b", "#1f4e8c", "#777777"


def plot(report: PhaseReport) -> str:
    """Two bars a day, a line for the rate up to that day, a dashed one for the rate that extends a phase."""
    days = report.by_day
    highest = max(
        [report.limit, *(day.found for day in days), *(day.fixed for day in days), *(day.rate for day in days)]
    )
    highest = max(1.0, highest)
    title = escape(f"Bugs found and fixed by day in the phase of {report.rock_id}")
    body = "".join([*_axes(days, highest), *_bars(days, highest), *_lines(report, highest), *_legend()])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}" font-family="sans-serif" font-size="11"><title>{title}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>'
    )


def _axes(days: Sequence[DayOfPhase], highest: float) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        y = _y(highest * share, highest)
        yield f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * share:.3g}</text>'
    every = max(1, len(days) // 14)
    for index, day in enumerate(days):
        if index % every == 0:
            yield f'<text x="{_x(index + 0.5, days):.1f}" y="{HEIGHT - 10}" text-anchor="middle">{day.day}</text>'


def _bars(days: Sequence[DayOfPhase], highest: float) -> Iterator[str]:
    for index, day in enumerate(days):
        for offset, count, colour, word in ((0.15, day.found, FOUND, "found"), (0.5, day.fixed, FIXED, "fixed")):
            x, y = _x(index + offset, days), _y(count, highest)
            width = _x(0.32, days) - _x(0, days)
            yield (
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_y(0, highest) - y:.1f}" fill="{colour}">'
                f"<title>day {day.day}: {count} {word}</title></rect>"
            )


def _lines(report: PhaseReport, highest: float) -> Iterator[str]:
    days = report.by_day
    points = " ".join(f"{_x(i + 0.5, days):.1f},{_y(day.rate, highest):.1f}" for i, day in enumerate(days))
    yield f'<polyline points="{points}" fill="none" stroke="{RATE}" stroke-width="2"/>'
    y = _y(report.limit, highest)
    yield f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LIMIT}" stroke-dasharray="5 4"/>'


def _legend() -> Iterator[str]:
    named = ((FOUND, "found"), (FIXED, "fixed"), (RATE, "found a day so far"), (LIMIT, "extends a phase"))
    for index, (colour, word) in enumerate(named):
        x = LEFT + index * 140
        yield f'<rect x="{x}" y="6" width="10" height="10" fill="{colour}"/><text x="{x + 15}" y="15">{word}</text>'


def _x(position: float, days: Sequence[DayOfPhase]) -> float:
    return LEFT + position * (WIDTH - LEFT - 8) / max(1, len(days))


def _y(value: float, highest: float) -> float:
    return HEIGHT - BOTTOM - value / highest * (HEIGHT - BOTTOM - TOP)
