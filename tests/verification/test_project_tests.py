"""What is read from a run of the project's tests."""

from pathlib import Path

import pytest

from orket_pipelines.verification.project_tests import read_counts, run_project_tests
from orket_pipelines.workbench import MemoryWorkbenches
from orket_pipelines.workbench.fake import ended


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("....\n4 passed in 0.02s\n", {"passed": 4}),
        ("F.\n= 1 failed, 3 passed, 2 skipped in 0.1s =\n", {"failed": 1, "passed": 3, "skipped": 2}),
        ("1 error in 0.3s", {"errors": 1}),
        ("no tests ran in 0.01s", {}),
        ("3 passed\nand then\n1 failed\n", {"failed": 1}),
        ("Ran 3 tests in 0.001s\n\nOK\n", {"passed": 3}),
        ("Ran 4 tests in 0.1s\n\nFAILED (failures=1, errors=1, skipped=1)\n", {"failed": 1, "errors": 1, "passed": 1}),
        ("Ran 0 tests in 0.000s\n\nOK\n", {}),
        ("# tests 3\n# pass 2\n# fail 1\n# skipped 0\n", {"passed": 2, "failed": 1}),
        ("Tests:       1 failed, 3 passed, 4 total\nTime: 1 s\n", {"failed": 1, "passed": 3}),
        (" Test Files  1 passed (1)\n      Tests  3 passed (3)\n   Duration  1s\n", {"passed": 3}),
        ("test result: ok. 3 passed; 0 failed;\n\ntest result: ok. 0 passed; 0 failed;\n", {"passed": 3}),
        ("ok  \tshop/cart\t0.01s\n?   \tshop/cmd\t[no test files]\n", {"passed": 1}),
        ("ok  \tshop/cart\t0.01s [no tests to run]\n", {}),
        ("FAIL\tshop/cart\t0.01s\nFAIL\n", {"failed": 1}),
        ("", {}),
    ],
)
def test_the_last_line_with_numbers_counts(output: str, counts: dict[str, int]) -> None:
    assert read_counts(output) == counts


@pytest.mark.parametrize("said", ["", "no tests ran in 0.01s\n", "all is well\n", "0 passed\n", "3 skipped\n"])
def test_a_command_that_ends_well_and_tells_of_no_test_proves_nothing(said: str, tmp_path: Path) -> None:
    report = run_project_tests(
        MemoryWorkbenches({("check",): ended(0, said)}).open(tmp_path, name="a"), ["check"], deadline=1
    )
    assert (report.passed, report.exit_code) == (False, 0)
    assert report.log.endswith("check ended with exit code 0, but says of no test that it passed: nothing is proven.")


def test_a_command_that_ends_well_with_a_test_that_passed_is_a_pass(tmp_path: Path) -> None:
    workbench = MemoryWorkbenches({("check",): ended(0, "1 passed\n"), ("liar",): ended(1, "1 passed\n")}).open(
        tmp_path, name="a"
    )
    assert run_project_tests(workbench, ["check"], deadline=1).passed
    assert not run_project_tests(workbench, ["liar"], deadline=1).passed
