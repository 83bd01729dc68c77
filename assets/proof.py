"""What proves an issue: its tests, the suites that ran on the sandbox, its delivery."""

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import AssetCheckSeverity, MetadataValue

from assets.about import about_issue, traced
from assets.history import History
from assets.model import Judged, Made, Values
from assets.reviews import reviews_told

SUITE_CHECKS = {
    "healthy": ("application_healthy", "Every service of the deployed application answered."),
    "http": ("http_suites_passed", "The requests that the card declares were answered as it says."),
    "e2e": ("e2e_suites_passed", "A browser could do with the application what the card declares."),
    "scenarios": ("scenarios_hold", "Every scenario of the card came out as it says."),
    "smoke": ("page_renders", "The page renders, reports no error, and can be used by everybody, as axe sees it."),
    "openapi": ("openapi_holds", "Each service answers as its own OpenAPI document says."),
    "missing": ("suites_declared", "Every suite that the card names is declared by its rock."),
}
"""By the kind of a suite: the check that it is shown as, and what that says."""
PLOTTED = ("passed", "failed", "errors", "flaky", "skipped")
"""The outcomes of cases, as a point each even where there are none."""


def tests_made(history: History) -> Made:
    """The report of the last test runs: the project's own, and each suite's on the sandbox."""
    tests = history.tests or {}
    counts = _counts([tests])
    commit, purpose = tests.get("commit") or "", tests.get("purpose") or ""
    about: Values = {
        "tested": _TESTED.get(purpose, purpose),
        "commit": commit,
        **counts,
        "seconds": round(float(tests.get("seconds") or 0), 2),
        **_suites_about(history),
    }
    ran = [f"{name}={run['passed']}@{run['commit']}" for name, run in sorted(history.suites.items())]
    version = ":".join([commit, purpose, str(tests.get("passed")), *ran])
    return Made("test_reports", history.card_id, version, _results(history), about_issue(history, about))


def suites_judged(history: History) -> list[Judged]:
    """One check for each kind of suite that ran on the sandbox: passed where all of that kind did."""
    judged = []
    for kind, (check, _) in SUITE_CHECKS.items():
        runs = {name: run for name, run in history.suites.items() if run.get("kind") == kind}
        if runs:
            told = "; ".join(_suite_result(name, run) for name, run in sorted(runs.items()))
            judged.append(_judged(history, check, list(runs.values()), told))
    return judged


def _judged(history: History, check: str, runs: Sequence[Mapping[str, Any]], told: str) -> Judged:
    """Red where one failed; yellow where all passed and something is flaky, which nobody should overlook."""
    passed = all(run["passed"] for run in runs)
    flaky = any((run.get("counts") or {}).get("flaky") for run in runs)
    severity = AssetCheckSeverity.WARN if passed else AssetCheckSeverity.ERROR
    about = traced(history)
    return Judged("test_reports", check, history.card_id, passed and not flaky, told, severity, about)


def suite_judged(history: History, kind: str) -> Judged | None:
    """The check of one kind; None where no such suite ran."""
    check = SUITE_CHECKS[kind][0]
    return next((judged for judged in suites_judged(history) if judged.check == check), None)


def _suites_about(history: History) -> Values:
    if not history.suites:
        return {}
    head = "| suite | kind | result | seconds | report |\n|---|---|---|---|---|\n"
    rows = [
        f"| {name} | {run.get('kind')} | {_suite_result(name, run)} | {float(run.get('seconds') or 0):.1f} "
        f"| `orket tests open {run.get('run_id')}` |"
        for name, run in sorted(history.suites.items())
    ]
    url = (history.sandbox or {}).get("url")
    address: Values = {"application": MetadataValue.url(url)} if url else {}
    return {"suites on the sandbox": MetadataValue.md(head + "\n".join(rows)), **_numbers(history), **address}


def _numbers(history: History) -> Values:
    """What Dagster plots over the runs: the cases of all suites by outcome, and how long they took."""
    runs = list(history.suites.values())
    counts = _counts(runs)
    seconds = round(sum(float(run.get("seconds") or 0) for run in runs), 2)
    return {**{f"suite cases {word}": number for word, number in counts.items()}, "suite seconds": seconds}


def _counts(runs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """The cases of these runs by outcome; 0 is a point of a plot, too."""
    return {word: sum((run.get("counts") or {}).get(word) or 0 for run in runs) for word in PLOTTED}


def _suite_result(name: str, run: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{number} {word}" for word, number in (run.get("counts") or {}).items() if number)
    said = "passed" if run.get("passed") else "failed"
    return f"{name} {said}{f' ({counts})' if counts else ''} on {(run.get('commit') or '')[:12]}"


def _results(history: History) -> str:
    ran = [_suite_result(name, run) for name, run in sorted(history.suites.items())]
    return "; ".join([_result(history), *ran])


def delivery_made(history: History) -> Made:
    """The issue is done: merged, tested, approved."""
    about: Values = {
        "merge commit": history.merge_commit or "",
        "pull request": history.pull_request or 0,
        "reviews": reviews_told(history),
        "attempts": history.attempt,
        "violations": history.violations,
    }
    version = history.merge_commit or f"{history.card_id}:{history.attempt}"
    return Made("delivered", history.card_id, version, f"{history.name} is delivered", about_issue(history, about))


def tests_passed(history: History) -> Judged | None:
    """Whether the last run of the project's tests passed; None before the first."""
    if history.tests is None:
        return None
    return _judged(history, "tests_passed", [history.tests], _result(history))


_TESTED = {"head": "the branch", "merged": "the merged tree, before main moved"}


def _result(history: History) -> str:
    tests = history.tests or {}
    counts = ", ".join(f"{number} {name}" for name, number in (tests.get("counts") or {}).items() if number)
    said = "passed" if tests.get("passed") else "failed"
    return f"{_TESTED.get(tests.get('purpose') or '', 'tests')}: {said}{f' ({counts})' if counts else ''}"
