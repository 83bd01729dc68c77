"""One run of a suite on a sandbox, whatever it is run for."""

import threading

from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.model import SuiteRun
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.git.folders import remove
from orket_pipelines.sandboxes import Sandbox
from orket_pipelines.store import failpoint, reach
from orket_pipelines.verification.artifacts import artifacts_folder
from orket_pipelines.verification.flaky import with_rerun
from orket_pipelines.verification.model import Suite, SuiteKind, SuiteReport, Target

BEFORE_SUITE = failpoint("verification.before_suite")
AFTER_SUITE = failpoint("verification.after_suite")

SANDBOX = "sandbox"
"""The occasion of a test run on what is deployed."""


def try_suite(
    factory: Factory, stage: Stage, suite: Suite, sandbox: Sandbox, *, card_id: str, run_id: str, stop: threading.Event
) -> SuiteRun:
    """Run a suite on a sandbox; what it leaves lies with the card's artifacts."""
    clock, settings = factory.store.clock, factory.settings
    inside = stage.sandboxes.network_of(sandbox)
    network, urls = inside if inside is not None else (None, {})
    target = Target(sandbox.id, sandbox.front, sandbox.urls, network, urls)
    started_at = clock.now()

    def run(time: int) -> SuiteReport:
        name = run_id if time == 1 else f"{run_id}.again"
        folder = artifacts_folder(settings.home, factory.store.workspace_id, card_id, name)
        about = {"browsers": stage.browsers, "folder": folder, "deadline": settings.suite_timeout, "stop": stop}
        try:
            return stage.run_suite(suite, target, **about)
        finally:
            if time > 1:
                remove(folder)

    reach(BEFORE_SUITE)
    report = with_rerun(run, again=settings.rerun_failed_suites and suite.kind is not SuiteKind.MISSING)
    reach(AFTER_SUITE)
    return SuiteRun(SANDBOX, sandbox.commit, report, started_at, suite, clock.now(), run_id, sandbox.id)
