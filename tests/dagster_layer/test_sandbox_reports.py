"""What deployments and suites mean in the asset graph."""

from typing import Any

import pytest

from assets.history import History, follow
from assets.model import Judged, Made
from assets.reports import reports_of, standing
from orket_pipelines.store import Event

DEPLOYED = {
    "rock_id": "shop",
    "state": "running",
    "commit": "c0ffee" * 6,
    "generation": 2,
    "isolation": "container",
    "urls": {"web": "http://127.0.0.1:20001", "api": "http://127.0.0.1:20000"},
    "url": "http://127.0.0.1:20001",
    "note": "",
    "seconds": 1.5,
}


def event(kind: str, payload: dict[str, Any], subject: str = "cart") -> Event:
    return Event(1, "e1", "default", kind, 1, 0, "system", None, None, subject, payload)


def run(suite: str, kind: str, *, passed: bool) -> Event:
    told = {"suite": suite, "kind": kind, "purpose": "sandbox", "commit": "c0ffee", "passed": passed, "counts": {}}
    return event("tests.finished", {**told, "seconds": 2.0, "attempt": 1})


def told(*events: Event) -> tuple[History, list[Any]]:
    history = History("cart", rock_id="shop", state="code_review")
    for each in events:
        history = follow(history, each)
    return history, reports_of(events[-1], history)


def test_a_deployment_is_a_materialization_of_its_rock_whose_version_is_the_commit() -> None:
    _, reports = told(event("card.deployed", DEPLOYED))
    made, judged = reports
    assert isinstance(made, Made)
    assert (made.asset, made.partition, made.version) == ("sandboxes", "shop", DEPLOYED["commit"])
    assert made.metadata["open"].value == "http://127.0.0.1:20001"  # type: ignore[union-attr]
    assert isinstance(judged, Judged)
    assert (judged.check, judged.passed) == ("answers", True)


def test_a_deployment_that_failed_makes_nothing_and_is_red_with_its_log() -> None:
    failed = DEPLOYED | {"state": "failed", "note": "exited with code 1"}
    _, reports = told(event("card.deployed", failed))
    assert [type(report) for report in reports] == [Judged]
    assert not reports[0].passed
    assert "exited with code 1" in reports[0].description


@pytest.mark.parametrize(
    ("state", "answers"),
    [("creating", []), ("stopping", []), ("unhealthy", [False]), ("stopped", [True]), ("deleted", [True])],
)
def test_a_sandbox_that_does_not_answer_is_red_unless_that_was_meant(state: str, answers: list[bool]) -> None:
    _, reports = told(event("sandbox.changed", DEPLOYED | {"state": state}))
    assert [report.passed for report in reports] == answers


def test_each_kind_of_suite_is_a_check_of_its_own() -> None:
    events = run("healthy", "healthy", passed=True), run("page", "e2e", passed=False), run("api", "http", passed=True)
    _, reports = told(*events)
    judged = {report.check: report.passed for report in reports if isinstance(report, Judged)}
    assert judged == {"application_healthy": True, "http_suites_passed": True, "e2e_suites_passed": False}


def test_the_cases_of_all_suites_are_numbers_that_are_plotted() -> None:
    page, api = run("page", "e2e", passed=False), run("api", "http", passed=True)
    page.payload["counts"], api.payload["counts"] = {"passed": 2, "failed": 1}, {"passed": 3}
    _, reports = told(page, api)
    made = next(each for each in reports if isinstance(each, Made))
    numbers = {name: made.metadata[name] for name in made.metadata if name.startswith("suite ")}
    assert numbers == {
        "suite cases passed": 5,
        "suite cases failed": 1,
        "suite cases errors": 0,
        "suite cases flaky": 0,
        "suite cases skipped": 0,
        "suite seconds": 4.0,
    }


def test_the_project_s_own_tests_are_numbers_of_every_report_so_that_a_plot_has_no_gap() -> None:
    tests = event("tests.finished", {"suite": "project", "purpose": "head", "passed": True, "counts": {"passed": 3}})
    _, reports = told(tests)
    made = next(each for each in reports if isinstance(each, Made))
    counts = {name: made.metadata[name] for name in ("passed", "failed", "errors", "flaky", "skipped")}
    assert counts == {"passed": 3, "failed": 0, "errors": 0, "flaky": 0, "skipped": 0}


def test_a_suite_that_passed_one_of_two_runs_is_yellow() -> None:
    flaky = run("page", "e2e", passed=True)
    flaky.payload["counts"] = {"flaky": 1}
    _, reports = told(flaky)
    [judged] = [each for each in reports if isinstance(each, Judged) and each.check == "e2e_suites_passed"]
    assert (judged.passed, judged.severity.value) == (False, "WARN")
    assert "1 flaky" in judged.description


def test_a_suite_that_was_repaired_turns_green_again() -> None:
    history, _ = told(run("page", "e2e", passed=False), run("page", "e2e", passed=True))
    judged = {report.check: report.passed for report in standing(history) if isinstance(report, Judged)}
    assert judged["not_stuck"]
    history, reports = told(run("page", "e2e", passed=False), run("page", "e2e", passed=True))
    assert [report.passed for report in reports if isinstance(report, Judged)] == [True]


def test_the_trace_of_an_issue_leads_to_its_sandbox() -> None:
    history, _ = told(event("card.deployed", DEPLOYED))
    trace = standing(history)[0].metadata["trace"]
    assert "/assets/sandboxes?view=partitions&partition=shop" in str(trace.value)  # type: ignore[union-attr]
