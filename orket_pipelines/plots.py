"""Numbers over days as one SVG that needs nothing besides: bars beside one another, and lines above them. Pure.

Kept small, as Dagster stores one with each materialization: half a pixel tells nobody anything, nor does an empty bar.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 720, 260, 40, 30, 24
BAD, GOOD, TREND, QUIET = "#c0392b", "#27864b", "#1f4e8c", "#777777"
LABELS = 14
"""Below the axis, at most."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers by label of the plot; None where there is none. `is_limit`: a line across, at the first of them."""

    name: str
    colour: str
    values: tuple[float | None, ...]
    is_limit: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """`labels` stand below the axis; `what` says before a label what it is, as in `day 3`."""

    title: str
    labels: tuple[str, ...]
    bars: tuple[Series, ...] = ()
    lines: tuple[Series, ...] = ()
    what: str = "day"

    @property
    def highest(self) -> float:
        """What the axis goes up to."""
        return max([1.0, *(value for each in (*self.bars, *self.lines) for value in each.values if value is not None)])

    @property
    def is_empty(self) -> bool:
        """Whether nothing but limits would be seen."""
        drawn = [each for each in (*self.bars, *self.lines) if not each.is_limit]
        return not any(value for each in drawn for value in each.values)


def draw(plot: Plot) -> str:
    """The picture."""
    title = escape(plot.title)
    body = "".join([*_axes(plot), *_bars(plot), *_lines(plot), *_legend([*plot.bars, *plot.lines])])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'role="img" aria-label="{title}" font-family="sans-serif" font-size="11"><title>{title}</title>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body}</svg>'
    )


def _axes(plot: Plot) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        y = _y(plot.highest * share, plot)
        yield f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{plot.highest * share:.3g}</text>'
    every = -(-len(plot.labels) // LABELS)
    for index, label in enumerate(plot.labels):
        if index % every == 0:
            x = _x(index + 0.5, plot)
            yield f'<text x="{x:.1f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(label)}</text>'


def _bars(plot: Plot) -> Iterator[str]:
    breadth = 0.7 / max(1, len(plot.bars))
    width, ground = _x(breadth * 0.9, plot) - LEFT, _y(0, plot)
    for place, series in enumerate(plot.bars):
        yield f'<g fill="{series.colour}">'
        for index, (label, value) in enumerate(zip(plot.labels, series.values, strict=True)):
            if not value:
                continue
            x, y = _x(index + 0.15 + place * breadth, plot), _y(value, plot)
            told = escape(f"{plot.what} {label}: {value:.3g} {series.name}")
            box = f'x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{ground - y:.0f}"'
            yield f"<rect {box}><title>{told}</title></rect>"
        yield "</g>"


def _lines(plot: Plot) -> Iterator[str]:
    for series in plot.lines:
        known = [(index, value) for index, value in enumerate(series.values) if value is not None]
        if series.is_limit and known:
            y = _y(known[0][1], plot)
            yield (
                f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="{series.colour}" '
                'stroke-dasharray="5 4"/>'
            )
            continue
        places = [(_x(index + 0.5, plot), _y(value, plot)) for index, value in known]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{points}" fill="none" stroke="{series.colour}" stroke-width="2"/>'
        # Of a single day no line could be drawn.
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{series.colour}"/>' for x, y in places)


def _legend(named: Sequence[Series]) -> Iterator[str]:
    for index, series in enumerate(named):
        x = LEFT + index * 140
        yield f'<rect x="{x}" y="6" width="10" height="10" fill="{series.colour}"/>'
        yield f'<text x="{x + 15}" y="15">{escape(series.name)}</text>'


def _x(position: float, plot: Plot) -> float:
    return LEFT + position * (WIDTH - LEFT - 8) / max(1, len(plot.labels))


def _y(value: float, plot: Plot) -> float:
    return HEIGHT - BOTTOM - value / plot.highest * (HEIGHT - BOTTOM - TOP)
