"""What is read from a run of the project's tests."""

import pytest

from orket_pipelines.verification.project_tests import read_counts


@pytest.mark.parametrize(
    ("output", "counts"),
    [
        ("....\n4 passed in 0.02s\n", {"passed": 4}),
        ("F.\n= 1 failed, 3 passed, 2 skipped in 0.1s =\n", {"failed": 1, "passed": 3, "skipped": 2}),
        ("1 error in 0.3s", {"errors": 1}),
        ("no tests ran in 0.01s", {}),
        ("3 passed\nand then\n1 failed\n", {"failed": 1}),
        ("", {}),
    ],
)
def test_the_last_line_with_numbers_counts(output: str, counts: dict[str, int]) -> None:
    assert read_counts(output) == counts
