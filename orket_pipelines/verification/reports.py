"""Reports from cases. What was tried wrote the texts in them: hostile data, made storable and kept short."""

from collections.abc import Sequence

from orket_pipelines.verification.model import BAD, Artifact, Case, CaseOutcome, SuiteReport

LOG_LIMIT = 20_000
"""Characters of output that are kept; the end of it, where the failures stand."""
NAME_LIMIT = 200
MESSAGE_LIMIT = 4_000

_words = {
    CaseOutcome.PASSED: "passed",
    CaseOutcome.FAILED: "failed",
    CaseOutcome.ERROR: "errors",
    CaseOutcome.SKIPPED: "skipped",
    CaseOutcome.FLAKY: "flaky",
}


def report_of(
    cases: Sequence[Case], *, exit_code: int | None, log: str, artifacts: Sequence[Artifact] = ()
) -> SuiteReport:
    """A pass where it ended well, at least one case passed (be it flaky), and none failed or could not be tried."""
    counts: dict[str, int] = {}
    for case in cases:
        counts[_words[case.outcome]] = counts.get(_words[case.outcome], 0) + 1
    tried_well = counts.get("passed", 0) + counts.get("flaky", 0) > 0
    passed = exit_code == 0 and tried_well and not counts.keys() & {"failed", "errors"}
    return SuiteReport(passed, counts, exit_code, storable(log)[-LOG_LIMIT:], tuple(cases), tuple(artifacts))


def broken(suite: str, reason: str, *, exit_code: int | None = None, log: str = "") -> SuiteReport:
    """A suite that could not be tried or read: one case, an error."""
    case = Case(suite, CaseOutcome.ERROR, 0.0, shortened(reason))
    return report_of([case], exit_code=exit_code, log=f"{log}\n{reason}" if log else reason)


def doubt_of(runner: str, cases: Sequence[Case], exit_code: int | None) -> str:
    """Why report and exit code together cannot be believed; empty where they can."""
    bad = [case for case in cases if case.outcome in BAD]
    if exit_code == 0 and bad:
        return f"{runner} ended with exit code 0, but its report has {len(bad)} cases that did not pass"
    if exit_code != 0 and cases and not bad:
        return f"{runner} ended with exit code {exit_code}, but every case in its report passed"
    return "" if cases else f"{runner} found no test in the suite"


def storable(text: str) -> str:
    """Without NUL and half surrogate pairs, which databases and encoders refuse."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def shortened(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """The same, and no longer than `limit`."""
    text = storable(text)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
