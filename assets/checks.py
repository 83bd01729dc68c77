"""What proves something, per partition: any failing partition turns its asset red, and a tab lists which."""

import warnings
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    PreviewWarning,
    asset_check,
)

from assets.bottlenecks import bottleneck_judged
from assets.bug_phases import bugs_judged, rate_judged, report_of_phase
from assets.graph import PARTITIONS
from assets.history import History
from assets.model import Judged
from assets.proof import SUITE_CHECKS, suite_judged, tests_passed
from assets.reports import not_stuck, policy_followed
from assets.reviews import review_approved
from assets.rocks import rock_reports, rock_standing
from assets.running import sandbox_judged
from assets.whole_rock import history_and_merge
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store
from resources import RecordsResource

Judge = Callable[[Store, str], Judged | None]
"""Judges one partition from what the store says now; None where there is nothing to judge yet."""


def _check(asset: str, name: str, description: str, judge: Judge) -> AssetChecksDefinition:
    with warnings.catch_warnings():
        # Partitioned checks are preview; Dagster is pinned, and tests hold what we use.
        warnings.simplefilter("ignore", PreviewWarning)

        @asset_check(asset=asset, name=name, partitions_def=PARTITIONS[asset], description=description)
        def check(context: AssetCheckExecutionContext, records: RecordsResource) -> AssetCheckResult:
            """Judge again."""
            return _result(judge(records.store, context.partition_key))

    return check


def _of_issue(judge: Callable[[History], Judged | None]) -> Judge:
    return lambda store, card_id: judge(history_and_merge(store, card_id)[0])


def _rock_not_stuck(store: Store, rock_id: str) -> Judged | None:
    with store.read() as tx:
        standing = rock_standing(tx, rock_id)
    reports = rock_reports(standing) if standing else []
    return next((report for report in reports if isinstance(report, Judged)), None)


def _no_bottleneck(store: Store, rock_id: str) -> Judged | None:
    with store.read() as tx:
        known = rock_standing(tx, rock_id) is not None
    return bottleneck_judged(store, rock_id) if known else None


def _sandbox_answers(store: Store, rock_id: str) -> Judged | None:
    with store.read() as tx:
        sandbox = sandbox_of_rock(tx, rock_id)
    return sandbox_judged(asdict(sandbox)) if sandbox else None


def _rate_within_limit(store: Store, rock_id: str) -> Judged | None:
    report = report_of_phase(store, rock_id, load_settings().bug_phases)
    return rate_judged(report) if report else None


def _no_high_bugs(store: Store, rock_id: str) -> Judged | None:
    rules = load_settings().bug_phases
    report = report_of_phase(store, rock_id, rules)
    return bugs_judged(report, rules) if report else None


def _result(judged: Judged | None) -> AssetCheckResult:
    if judged is None:
        told = "There is nothing to judge yet."
        return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN, description=told)
    return AssetCheckResult(
        passed=judged.passed, severity=judged.severity, description=judged.description, metadata=judged.metadata
    )


CHECKS = [
    _check(
        "rocks",
        "not_stuck",
        "No issue of the rock is blocked (red) or waits for a person (yellow).",
        _rock_not_stuck,
    ),
    _check(
        "rocks",
        "no_bottleneck",
        "Not too many issues of the rock wait for a place or a resource, for one another, or for a person.",
        _no_bottleneck,
    ),
    _check(
        "cards",
        "not_stuck",
        "The issue is not blocked (red) and waits for no person (yellow).",
        _of_issue(not_stuck),
    ),
    _check(
        "cards",
        "policy_followed",
        "No move and no call of the issue was refused, or it was delivered all the same (yellow until then).",
        _of_issue(policy_followed),
    ),
    _check(
        "test_reports",
        "tests_passed",
        "The last run of the project's tests passed.",
        _of_issue(tests_passed),
    ),
    *(
        _check("test_reports", name, description, _of_issue(partial(suite_judged, kind=kind)))
        for kind, (name, description) in SUITE_CHECKS.items()
    ),
    _check(
        "sandboxes",
        "answers",
        "The application that runs for the rock answers; one that was stopped or removed on purpose need not.",
        _sandbox_answers,
    ),
    _check(
        "bug_phases",
        "rate_within_limit",
        "No more bugs are found a day than a bug-fix phase may end with.",
        _rate_within_limit,
    ),
    _check(
        "bug_phases",
        "no_high_bugs",
        "No bug of priority 3 is open: red where there are more than a phase may end with, yellow where fewer.",
        _no_high_bugs,
    ),
    _check(
        "pull_requests",
        "review_approved",
        "The head has the approvals it needs: red where changes are asked for, yellow where a review is still awaited.",
        _of_issue(review_approved),
    ),
]
