"""The report of a phase as people read it: a page of its own, or a part of the page of its rock.

What bugs say was written by anybody, and is shown as text.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from orket_pipelines.bugs.plot import plot
from orket_pipelines.bugs.reports import PhaseReport
from orket_pipelines.plots import draw
from orket_pipelines.verification.pages import framed

TEMPLATE = Path(__file__).with_name("section.html")


def page(report: PhaseReport) -> str:
    """The whole page."""
    title = f"Bug-fix phase of {report.rock} ({report.rock_id})"
    return framed(title, f"<h1>{escape(title)}</h1>\n{section(report)}")


def section(report: PhaseReport) -> str:
    """What stands on it, as HTML."""
    return Template(TEMPLATE.read_text()).substitute(
        summary=escape(summary(report)),
        plot=draw(plot(report)),
        numbers="".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in numbers(report)),
        bugs=_bugs(report) or "<p>None was found.</p>",
        logs=_logs(report) or "<p>There was no sandbox whose logs could be kept.</p>",
    )


def summary(report: PhaseReport) -> str:
    """The report in a sentence or two."""
    told = f"{report.state}, after {report.days:g} of {report.planned_days:g} days"
    why = f": {report.reason}" if report.reason else ""
    left = f" What was open went to {report.left_to}." if report.left_to else ""
    found = "1 bug was" if report.found == 1 else f"{report.found} bugs were"
    return f"{told}{why}. {found} found, {report.fixed} fixed.{left}"


def numbers(report: PhaseReport) -> list[tuple[str, str]]:
    """Names and values, as people read them."""
    spent = report.spent
    unpriced = f", and {spent['unpriced']:g} turns of unknown price" if spent["unpriced"] else ""
    return [
        ("began", _when(report.started_at)),
        ("ended", _when(report.ended_at) if report.ended_at else "it goes on"),
        ("extensions", str(report.extensions)),
        ("found", str(report.found)),
        ("fixed", str(report.fixed)),
        ("left open", f"{report.left_open}, {report.open_high} of them of priority 3"),
        ("rate", f"{report.rate:g} bugs a day (more than {report.limit:g} extend a phase)"),
        ("cost", f"{spent['usd']:g} USD{unpriced}; {spent['turns']:g} turns in {spent['sessions']:g} sessions"),
    ]


def _bugs(report: PhaseReport) -> str:
    columns = ("id", "name", "severity", "priority", "state", "source", "commit", "sandbox", "scenario")
    return _table(columns, ([_short(name, bug.get(name)) for name in columns] for bug in report.bugs))


def _logs(report: PhaseReport) -> str:
    columns = ("service", "path", "size", "sha256")
    return _table(columns, ([log.get(name) for name in columns] for log in report.logs))


def _table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Empty where there is no row."""
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    return f"<table><tr>{head}</tr>{body}</table>" if body else ""


def _short(name: str, value: Any) -> object:
    """Of an id that nobody reads to its end, what tells it from others."""
    return str(value)[:12] if name in {"commit", "sandbox"} and value else value


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else escape(str(value))}</td>"


def _when(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1e6, UTC):%Y-%m-%d %H:%M} UTC"
