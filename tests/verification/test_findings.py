"""What an author gets back, and what tells the same failure again."""

from dataclasses import replace
from pathlib import Path

from orket_pipelines.verification.findings import around_trouble, digest_of, findings, shared_out
from orket_pipelines.verification.model import Artifact, Case, CaseOutcome, SuiteReport
from orket_pipelines.verification.reports import report_of

BAD = Case("shop.test_price", CaseOutcome.FAILED, 1.25, "expected 3, got 4 at 0x7f00aa\nbecause")
GOOD = Case("shop.test_title", CaseOutcome.PASSED, 0.1)
PICTURE = Artifact("page.png", "image/png", Path("/page.png"), 1, "0" * 64)


def report(*cases: Case, log: str = "the whole log") -> SuiteReport:
    return report_of(cases, exit_code=1, log=log, artifacts=[PICTURE])


def test_an_author_is_told_the_failing_cases_and_no_others() -> None:
    told = findings("page", "c0ffee" * 6, report(BAD, GOOD), run_id="one.1.page")
    assert told == (
        "Suite page failed on commit c0ffeec0ffee: 1 of 2 cases did not pass.\n\n"
        "shop.test_price: failed after 1.2 s\nexpected 3, got 4 at 0x7f00aa\nbecause\n\n"
        "Pictures (page.png): orket tests open one.1.page"
    )


def test_the_runner_s_output_is_told_where_no_case_says_what_went_wrong() -> None:
    silent = replace(BAD, message="")
    assert "The runner said last:\nthe whole log" in findings("page", "c", report(silent))
    assert "the whole log" in findings("page", "c", report())


def test_many_and_long_failures_are_cut_to_what_a_model_can_use() -> None:
    many = [replace(BAD, name=f"test_{number}", message="x" * 50_000) for number in range(200)]
    told = findings("page", "c", report(*many), services={f"s{number}": "y" * 50_000 for number in range(9)})
    assert len(told) < 12_000
    assert "and 195 more: test_5, " in told
    assert told.count("of the sandbox said") == 3
    assert sum(map(len, shared_out([told] * 4))) <= 7_500


def test_of_a_service_s_log_the_lines_around_the_last_trouble_are_told() -> None:
    log = "".join(f"line {number}\n" for number in range(100))
    troubled = log.replace("line 40\n", "ValueError: wrong\n")
    assert around_trouble(troubled).splitlines()[12] == "ValueError: wrong"
    assert "line 60" not in around_trouble(troubled)
    assert around_trouble(log).splitlines() == [f"line {number}" for number in range(88, 100)]
    assert around_trouble("") == ""


def test_the_same_failure_is_told_again_whatever_numbers_it_names() -> None:
    again = replace(BAD, message="expected 3, got 5 at 0x7f11bb\nfor another reason", seconds=9.0)
    assert digest_of("page", report(BAD, GOOD)) == digest_of("page", report(GOOD, again))
    assert digest_of("page", report(BAD)) != digest_of("api", report(BAD))
    assert digest_of("page", report(BAD)) != digest_of("page", report(replace(BAD, name="shop.test_tax")))
    assert digest_of("page", report(BAD)) != digest_of("page", report(replace(BAD, message="no such row")))


def test_without_cases_the_lines_in_which_a_runner_names_failures_tell_the_same() -> None:
    first = report(log="tests took 3 s\nFAILED test_a.py::test_price - assert 3 == 4\n1 failed in 0.2s")
    second = report(log="tests took some time\nFAILED test_a.py::test_price - assert 3 == 4\n1 failed in 7.1s")
    other = report(log="FAILED test_a.py::test_tax - assert 3 == 4\n1 failed in 0.2s")
    assert digest_of("project", first) == digest_of("project", second)
    assert digest_of("project", first) != digest_of("project", other)
