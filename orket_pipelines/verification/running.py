"""The one entrance for suites that are run against a sandbox."""

import threading
from pathlib import Path

from orket_pipelines.verification.http_suites import run_health_suite, run_http_suite, run_scenario_suite
from orket_pipelines.verification.model import Browsers, Suite, SuiteKind, SuiteReport, Target
from orket_pipelines.verification.reports import broken


def run_suite(
    suite: Suite, target: Target, *, browsers: Browsers, folder: Path, deadline: float, stop: threading.Event
) -> SuiteReport:
    """Run a suite of any kind but `project`, for `deadline` seconds at most; its files lie in `folder` afterwards.

    A suite that is not there does not pass. Raises: what `Browsers.run` raises; Stopped.
    """
    if suite.kind in {SuiteKind.HTTP, SuiteKind.E2E} and not suite.source.strip():
        return broken(suite.name, f"suite {suite.name} is empty, so that it verifies nothing")
    match suite.kind:
        case SuiteKind.HEALTHY:
            return run_health_suite(suite, target, deadline=deadline, stop=stop)
        case SuiteKind.HTTP:
            return run_http_suite(suite, target, deadline=deadline, stop=stop)
        case SuiteKind.SCENARIOS:
            return run_scenario_suite(suite, target, deadline=deadline, stop=stop)
        case SuiteKind.E2E | SuiteKind.SMOKE | SuiteKind.OPENAPI:
            return browsers.run(suite, target, folder=folder, deadline=deadline, stop=stop)
        case SuiteKind.FIXTURE:
            reason = f"{suite.name} is a fixture, which tries nothing by itself"
            return broken(suite.name, f"{reason}: give the card scenarios, and name it as their fixture_path")
        case SuiteKind.MISSING:
            reason = f"suite {suite.name} is declared, but the rock has none of that name"
            return broken(suite.name, f"{reason}: declare it under `suites:`, then import the cards again")
        case SuiteKind.PROJECT:
            raise AssertionError("the project's own tests run on a workbench, not against a sandbox")
