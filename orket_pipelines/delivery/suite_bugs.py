"""Bugs out of suites that failed on a sandbox; pure."""

from collections.abc import Iterator

from orket_pipelines.cards.bugs import Finding, FoundIn, Severity, Source
from orket_pipelines.delivery.model import SuiteRun
from orket_pipelines.sandboxes import Sandbox
from orket_pipelines.verification.findings import failing
from orket_pipelines.verification.model import SuiteKind

BUGS_OF_SUITE = 10
"""Failed cases of one run that become a bug each; what fails besides is told in the last of them."""


def findings_of(run: SuiteRun, sandbox: Sandbox, *, by: str) -> Iterator[Finding]:
    """A bug for each case that failed, or one for a run that says of no case why it did not pass.

    `by` is who tried it.
    """
    if run.report.passed:
        return
    bad = [(case.name, case.message) for case in failing(run.report)]
    whole = [(f"suite {run.suite.name}", run.report.log)]
    severity = Severity.CRITICAL if run.suite.kind is SuiteKind.HEALTHY else Severity.MAJOR
    verified_by = () if run.suite.kind is SuiteKind.HEALTHY else (run.suite.name,)
    for index, (case, said) in enumerate((bad or whole)[:BUGS_OF_SUITE], 1):
        more = len(bad) - BUGS_OF_SUITE if index == BUGS_OF_SUITE else 0
        text = f"{said}\n\n{more} more cases failed with it." if more > 0 else said
        yield Finding(
            name=" ".join(f"{run.suite.name}: {case}".split())[:200],
            description=text or "It failed without a word.",
            severity=severity,
            source=Source.VERIFICATION,
            by=by,
            found_in=FoundIn(sandbox.commit, sandbox.id, f"{run.suite.name}: {case}"),
            verified_by=verified_by,
        )
