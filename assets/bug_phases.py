"""A rock's bug-fix phase as it shows here: what was found and fixed, by day as a picture, and whether that is bad."""

from collections.abc import Iterable, Sequence

from dagster import AssetCheckSeverity, MetadataValue

from assets.links import anchor
from assets.model import Judged, Made, Report, Values
from assets.plots import shown
from assets.versions import version_of
from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import PhaseReport, current, find_phase
from orket_pipelines.bugs.page import numbers, summary
from orket_pipelines.bugs.plot import plot
from orket_pipelines.store import Store

SHOWN = 50
"""Bugs that a phase is shown with."""


def phase_reports(store: Store, rock_id: str, rules: BugPhases) -> list[Report]:
    """The phase as it stands, with what its checks say; nothing where the rock has none."""
    report = report_of_phase(store, rock_id, rules)
    return [] if report is None else [_made(report), rate_judged(report), bugs_judged(report, rules)]


def report_of_phase(store: Store, rock_id: str, rules: BugPhases) -> PhaseReport | None:
    """What the rock's phase has come to by now."""
    with store.read() as tx:
        phase = find_phase(tx, rock_id)
        return None if phase is None else current(tx, phase, store.clock.moment(), rules)


def rate_judged(report: PhaseReport) -> Judged:
    """Whether no more bugs are found a day than a phase may end with."""
    description = f"{report.rate:g} bugs a day are found; more than {report.limit:g} extend a phase"
    return Judged("bug_phases", "rate_within_limit", report.rock_id, report.rate <= report.limit, description)


def bugs_judged(report: PhaseReport, rules: BugPhases) -> Judged:
    """Whether no bug of priority 3 is open; more of them than a phase may end with are red, fewer yellow."""
    severity = AssetCheckSeverity.ERROR if report.open_high > rules.high_bugs else AssetCheckSeverity.WARN
    description = f"{report.open_high} bugs of priority 3 are open"
    step: Values = {"next step": f"orket bugs fix {report.rock_id}"} if report.open_high else {}
    passed = report.open_high == 0
    return Judged("bug_phases", "no_high_bugs", report.rock_id, passed, description, severity, step)


def _made(report: PhaseReport) -> Made:
    metadata: Values = {
        "by day": shown(plot(report)),
        "state": report.state,
        "days": report.days,
        "found": report.found,
        "fixed": report.fixed,
        "open": report.left_open,
        "rate": report.rate,
        "cost in USD": report.spent["usd"],
        "numbers": MetadataValue.md(_rows(("what", "how much"), numbers(report))),
        "bugs": MetadataValue.md(_rows(("bug", "severity", "state"), _bugs(report))),
        "trace": MetadataValue.md(anchor(f"sandbox of {report.rock_id}", "sandboxes", report.rock_id)),
    }
    # Time alone makes no other version.
    version = version_of([report.state, report.reason, report.planned_days, list(report.bugs)])
    return Made("bug_phases", report.rock_id, version, summary(report), metadata)


def _bugs(report: PhaseReport) -> list[tuple[str, str, str]]:
    found = report.bugs[-SHOWN:]
    return [(f"{anchor(bug['id'], 'cards', bug['id'])} {bug['name']}", bug["severity"], bug["state"]) for bug in found]


def _rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; what bugs say was written by anybody."""
    body = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in (" | ".join(head), " | ".join("---" for _ in head), *body))
