"""Two runs of the same on the same commit."""

from collections.abc import Callable

import pytest

from orket_pipelines.verification.flaky import settled, with_rerun
from orket_pipelines.verification.model import Case, CaseOutcome, SuiteReport
from orket_pipelines.verification.reports import report_of

PASSED, FAILED, ERROR, FLAKY = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.ERROR, CaseOutcome.FLAKY


def ran(*outcomes: CaseOutcome, exit_code: int | None = 0) -> SuiteReport:
    cases = [Case(f"test_{number}", outcome, 0.0, str(outcome)) for number, outcome in enumerate(outcomes)]
    bad = {FAILED, ERROR} & set(outcomes)
    return report_of(cases, exit_code=1 if bad and exit_code == 0 else exit_code, log="log")


def in_turn(*reports: SuiteReport) -> tuple[Callable[[int], SuiteReport], list[int]]:
    asked: list[int] = []

    def run(time: int) -> SuiteReport:
        asked.append(time)
        return reports[time - 1]

    return run, asked


def test_what_passes_is_run_once() -> None:
    run, asked = in_turn(ran(PASSED))
    assert with_rerun(run, again=True).passed
    assert asked == [1]


def test_what_did_not_end_by_itself_is_run_once() -> None:
    run, asked = in_turn(ran(FAILED, exit_code=None))
    assert not with_rerun(run, again=True).passed
    assert asked == [1]


def test_nothing_is_run_again_where_the_settings_say_so() -> None:
    run, asked = in_turn(ran(FAILED))
    assert not with_rerun(run, again=False).passed
    assert asked == [1]


@pytest.mark.parametrize(
    ("first", "second", "outcomes", "passed"),
    [
        (ran(FAILED, PASSED), ran(PASSED, PASSED), [FLAKY, PASSED], True),
        (ran(FAILED, PASSED), ran(FAILED, PASSED), [FAILED, PASSED], False),
        (ran(FAILED, FAILED), ran(PASSED, ERROR), [FLAKY, FAILED], False),
        (ran(FAILED, PASSED), ran(PASSED, FAILED), [FLAKY, FLAKY], True),
        (ran(FAILED), ran(), [FAILED], False),
        (ran(FAILED), ran(CaseOutcome.SKIPPED), [FAILED], False),
        (ran(FAILED), ran(PASSED, exit_code=None), [FLAKY], False),
        (ran(PASSED, exit_code=1), ran(PASSED, exit_code=1), [PASSED], False),
    ],
)
def test_a_case_that_passed_one_of_two_runs_is_flaky(
    first: SuiteReport, second: SuiteReport, outcomes: list[CaseOutcome], passed: bool
) -> None:
    report = settled(first, second)
    assert [case.outcome for case in report.cases] == outcomes
    assert report.passed is passed


def test_a_flaky_case_says_what_it_said_when_it_failed() -> None:
    [case] = settled(ran(FAILED), ran(PASSED)).cases
    assert case.message == "flaky: of two runs on the same commit, the first failed:\nfailed"


@pytest.mark.parametrize(("passes", "counts"), [(True, {"passed": 2, "flaky": 1}), (False, {"failed": 1, "passed": 2})])
def test_without_cases_the_numbers_tell(passes: bool, counts: dict[str, int]) -> None:
    first = SuiteReport(False, {"failed": 1, "passed": 2}, 1, "one")
    second = SuiteReport(passes, {"passed": 3}, 0 if passes else 1, "two")
    report = settled(first, second)
    assert (report.passed, report.counts) == (passes, counts)
