"""What goes along to a browser, and what is believed of what comes back."""

import re
from pathlib import Path

import pytest

from orket_pipelines.git.folders import remove
from orket_pipelines.verification import CaseOutcome, Suite, SuiteKind
from orket_pipelines.verification.browser_runs import (
    ENTRY_LIMIT,
    GROWTH_LIMIT,
    Bench,
    command,
    conclude,
    environment,
    has_grown_too_large,
    lay_out,
    packages,
)
from orket_pipelines.verification.e2e.orket_seal import seal_line
from orket_pipelines.verification.fake import PICTURE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SUITE = Suite("page.list", SuiteKind.E2E, "def test_page(page): ...\n", "suites/test_page.py")
PASSED = "<testcase name='a'/>"
FAILED = "<testcase name='b'><failure message='no'/></testcase>"
SKIPPED = "<testcase name='c'><skipped/></testcase>"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return lay_out(tmp_path, tmp_path / "artifacts" / "run", SUITE)


def test_the_suite_and_the_plugin_are_laid_out_for_whoever_runs_them(bench: Bench, tmp_path: Path) -> None:
    (bench.out / "left").write_text("by a run that was killed")
    again = lay_out(tmp_path, tmp_path / "artifacts" / "run", SUITE)
    other = lay_out(tmp_path, tmp_path / "artifacts" / "other", SUITE)

    assert again == bench != other

    assert sorted(path.name for path in again.suite.iterdir()) == [
        "orket_e2e.py",
        "orket_seal.py",
        "page_list.py",
        "pytest.ini",
    ]
    assert (again.suite / "page_list.py").read_text() == SUITE.source
    assert list(again.out.iterdir()) == []
    modes = [path.stat().st_mode & 0o777 for path in (again.root, again.suite, again.out, *again.suite.iterdir())]
    assert modes == [0o700, 0o755, 0o777, 0o644, 0o644, 0o644, 0o644]


def test_the_command_runs_the_suite_alone() -> None:
    assert command(SUITE, python="python", suite_folder="/suite", out="/out") == (
        "python",
        "-P",
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-c",
        "/suite/pytest.ini",
        "--rootdir=/suite",
        "-p",
        "orket_seal",
        "-p",
        "orket_e2e",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
        "--junitxml=/out/junit.xml",
        "/suite/page_list.py",
    )


def test_the_plugin_is_told_what_it_drives_and_the_browser_knows_no_other_host() -> None:
    urls = {"web": "http://web:3000/", "api": "http://api:8000"}
    told = environment(
        urls, "web", chromium="/usr/bin/chromium", suite_folder="/suite", out="/out", key="k", impact="minor"
    )
    assert (told["E2E_BASE_URL"], told["E2E_CHROMIUM"], told["E2E_ARTIFACTS"]) == (
        "http://web:3000",
        "/usr/bin/chromium",
        "/out",
    )
    assert (told["E2E_SEAL"], told["E2E_ACCESSIBILITY"]) == ("k", "minor")
    assert told["E2E_FLAGS"] == (
        '["--no-sandbox", "--no-proxy-server", '
        '"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE web, EXCLUDE api", '
        '"--unsafely-treat-insecure-origin-as-secure=http://web:3000,http://api:8000"]'
    )


BROWSING = {"axe-playwright-python", "greenlet", "iniconfig", "packaging", "playwright", "pluggy", "pygments", "pytest"}


@pytest.mark.parametrize(
    ("kind", "needed"),
    [(SuiteKind.E2E, BROWSING), (SuiteKind.SMOKE, BROWSING), (SuiteKind.OPENAPI, {"pytest", "schemathesis"})],
)
def test_what_is_installed_there_is_what_the_lock_pins(kind: SuiteKind, needed: set[str]) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    hashes = set(re.findall(r"sha256:[0-9a-f]{64}", lock))
    lines = packages(kind)
    found = [re.match(r"([a-z-]+)==([^ ]+) ", line) for line in lines]
    pinned = {each[1]: each[2] for each in found if each is not None}
    assert pinned == {name: entries[name] for name in pinned}
    assert needed <= pinned.keys()
    assert kind is SuiteKind.OPENAPI or pinned.keys() == needed
    assert all(set(re.findall(r"sha256:[0-9a-f]{64}", line)) <= hashes for line in lines)
    assert all("--hash=sha256:" in line for line in lines)


def test_a_run_that_writes_without_end_is_noticed(bench: Bench) -> None:
    assert not has_grown_too_large(bench)
    with (bench.out / "sparse").open("wb") as file:
        file.truncate(10 * GROWTH_LIMIT)
    assert not has_grown_too_large(bench)
    for number in range(ENTRY_LIMIT + 1):
        (bench.out / str(number)).touch()
    assert has_grown_too_large(bench)
    remove(bench.out)
    assert has_grown_too_large(bench)


@pytest.mark.parametrize(
    ("cases", "exit_code", "expected", "doubt"),
    [
        (PASSED, 0, (True, {"passed": 1}), ""),
        (PASSED + SKIPPED, 0, (True, {"passed": 1, "skipped": 1}), ""),
        (PASSED + FAILED, 1, (False, {"passed": 1, "failed": 1}), ""),
        (PASSED + FAILED, 0, (False, {"passed": 1, "failed": 1, "errors": 1}), "has 1 cases that did not pass"),
        (PASSED, 1, (False, {"passed": 1, "errors": 1}), "every case in its report passed"),
        (SKIPPED, 0, (False, {"skipped": 1}), ""),
        ("", 0, (False, {"errors": 1}), "found no test"),
        ("<", 0, (False, {"errors": 1}), "cannot be read"),
        (None, 0, (False, {"errors": 1}), "left no JUnit report"),
        (None, 4, (False, {"errors": 1}), "exit code 4 and left no JUnit report"),
    ],
)
def test_report_and_exit_code_must_agree(
    bench: Bench, cases: str | None, exit_code: int, expected: tuple[bool, object], doubt: str
) -> None:
    seal = ""
    if cases is not None:
        seal = left(bench, cases, exit_code)
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=exit_code, log=f"the log\n\n{seal}\n")

    assert (report.passed, report.counts) == expected
    assert report.exit_code == exit_code
    assert doubt in report.log
    assert report.log.startswith("the log")


def left(bench: Bench, cases: str, exit_code: int) -> str:
    """Leave a report; its seal."""
    report = f"<?xml version='1.0'?><testsuite>{cases}</testsuite>".encode()
    (bench.out / "junit.xml").write_bytes(report)
    return seal_line(bench.key, exit_code, report)


def test_the_seal_of_a_report_is_not_part_of_the_log(bench: Bench) -> None:
    log = f"1 passed\n\n{left(bench, PASSED, 0)}\n"
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=0, log=log)
    assert (report.passed, report.log) == (True, "1 passed\n")


def test_a_report_that_was_rewritten_after_pytest_proves_nothing(bench: Bench) -> None:
    log = f"1 failed\n\n{left(bench, FAILED, 0)}\n"
    left(bench, PASSED, 0)
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=0, log=log)
    assert (report.passed, report.counts) == (False, {"errors": 1})
    assert "the JUnit report is not the one that pytest wrote" in report.cases[0].message


def test_a_seal_of_another_run_is_none(bench: Bench, tmp_path: Path) -> None:
    other = lay_out(tmp_path, tmp_path / "artifacts" / "other", SUITE)
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=0, log=left(other, PASSED, 0))
    assert not report.passed
    left(bench, PASSED, 0)
    assert not conclude(SUITE, bench, bench.root / "kept", exit_code=0, log=left(other, PASSED, 0)).passed


def test_a_process_that_ended_without_pytest_s_own_end_proves_nothing(bench: Bench) -> None:
    left(bench, PASSED, 0)
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=0, log="1 passed\n")
    assert report.cases[0].message == (
        "pytest never came to its own end (the process ended with exit code 0), so that its report proves nothing"
    )


def test_an_exit_code_that_is_not_pytest_s_proves_nothing(bench: Bench) -> None:
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=0, log=left(bench, PASSED, 1))
    assert report.cases[0].message == ("pytest ended with exit code 1 and the process with 0: something else ended it")


@pytest.mark.parametrize("name", ["page_list.py", "orket_seal.py", "pytest.ini"])
def test_a_suite_that_was_changed_while_it_ran_proves_nothing(bench: Bench, name: str) -> None:
    (bench.suite / name).write_text("def test_page(): ...\n")
    report = conclude(SUITE, bench, bench.root / "kept", exit_code=0, log=left(bench, PASSED, 0))
    assert report.cases[0].message == (f"{name} was changed while the suite ran, so that its report proves nothing")


def test_what_a_run_that_was_killed_has_kept_goes_with_it(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "old.png").write_bytes(PICTURE)
    (bench.out / "new.png").write_bytes(PICTURE)
    [new] = conclude(SUITE, bench, tmp_path / "kept", exit_code=1, log="").artifacts

    assert list((tmp_path / "kept").iterdir()) == [new.path]


def test_a_run_that_was_stopped_does_not_pass_and_keeps_its_pictures(bench: Bench, tmp_path: Path) -> None:
    (bench.out / "page.png").write_bytes(PICTURE)
    report = conclude(SUITE, bench, tmp_path / "kept", exit_code=None, log="", stopped="it took too long")

    assert (report.passed, report.cases[0].outcome, report.cases[0].message) == (
        False,
        CaseOutcome.ERROR,
        "it took too long",
    )
    assert [artifact.name for artifact in report.artifacts] == ["page.png"]
