"""A suite that failed is run once more: what passes then is flaky, and told so. Never silently passed; pure."""

from collections.abc import Callable
from dataclasses import replace

from orket_pipelines.verification.model import BAD, Case, CaseOutcome, SuiteReport
from orket_pipelines.verification.reports import report_of

HEADING = "--- the same once more ---"


def with_rerun(run: Callable[[int], SuiteReport], *, again: bool) -> SuiteReport:
    """What came of `run(1)`; where that is a failure that ended by itself, and `again`, of `run(2)` besides."""
    first = run(1)
    if first.passed or first.exit_code is None or not again:
        return first
    return settled(first, run(2))


def settled(first: SuiteReport, second: SuiteReport) -> SuiteReport:
    """One report of a run that failed and the same once more.

    A case that passed once is flaky, with what it said the other time; one that failed twice has failed. A second run
    that says less than the first (it did not end, or has other cases) proves nothing. What the first left is kept.
    """
    if not first.cases:
        return _without_cases(first, second)
    again = {case.name: case for case in second.cases}
    cases = [_judged(case, again.get(case.name)) for case in first.cases]
    outcomes = {case.outcome for case in cases}
    mended = CaseOutcome.FLAKY in outcomes and not outcomes & BAD and second.exit_code is not None
    exit_code = 0 if mended else first.exit_code
    log = f"{first.log}\n{HEADING}\n{second.log}"
    return report_of(cases, exit_code=exit_code, log=log, artifacts=first.artifacts)


def _judged(first: Case, second: Case | None) -> Case:
    if second is None or (first.outcome in BAD) == (second.outcome in BAD):
        return first
    if CaseOutcome.PASSED not in {first.outcome, second.outcome}:
        return first
    failed, order = (first, "first") if first.outcome in BAD else (second, "second")
    told = f"flaky: of two runs on the same commit, the {order} failed:\n{failed.message}"
    return replace(first, outcome=CaseOutcome.FLAKY, message=told)


def _without_cases(first: SuiteReport, second: SuiteReport) -> SuiteReport:
    """Where the runner tells numbers alone."""
    if not second.passed:
        return first
    flaky = sum(first.counts.get(word, 0) for word in ("failed", "errors")) or 1
    passed = max(0, second.counts.get("passed", 0) - flaky)
    counts = {**second.counts, "passed": passed, "flaky": flaky}
    return replace(second, counts=counts, log=f"{first.log}\n{HEADING}\n{second.log}")
