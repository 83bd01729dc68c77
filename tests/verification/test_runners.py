"""A project's own tests where its rock names no command: which runners, and what is read of them."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event

import pytest

from orket_pipelines.verification import Case, CaseOutcome, run_found_tests
from orket_pipelines.verification.runner_reports import read_cargo, read_go, read_jest
from orket_pipelines.verification.runners import plain_command, runners_of
from orket_pipelines.workbench import Execution, MemoryWorkbenches, ProcessWorkbenches
from orket_pipelines.workbench.fake import ended

OUTPUT = Path(__file__).parent / "runner_output"
"""What jest 30.0.5, go 1.19.8 and cargo 1.95.0 said of a small shop, each of one test that passes, fails and is
skipped, and of a file that does not load or build where the runner goes on with the others."""
PASSED, FAILED, ERROR, SKIPPED = CaseOutcome.PASSED, CaseOutcome.FAILED, CaseOutcome.ERROR, CaseOutcome.SKIPPED
VITEST = {"package.json": json.dumps({"devDependencies": {"vitest": "3"}})}
NODE = {"package.json": json.dumps({"scripts": {"test": "node --test"}})}
TESTED = {"pyproject.toml": "", "tests/test_a.py": "def test_a(): pass\n"}


def laid_out(folder: Path, files: dict[str, str], under: str = ".") -> Path:
    for name, text in files.items():
        path = folder / under / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("files", "runners"),
    [
        ({}, [("pytest", ".")]),
        ({"README.md": ""}, [("pytest", ".")]),
        (TESTED, [("pytest", ".")]),
        (VITEST, [("vitest", ".")]),
        ({"package.json": json.dumps({"devDependencies": {"jest": "30"}})}, [("jest", ".")]),
        (NODE, [("node", ".")]),
        ({"package.json": json.dumps({"scripts": {"test": "mocha"}})}, [("npm", ".")]),
        ({"package.json": json.dumps({"scripts": {"test": "echo no test specified && exit 1"}})}, [("pytest", ".")]),
        ({"package.json": "[" * 100_000}, [("pytest", ".")]),
        ({"go.mod": "module shop"}, [("go", ".")]),
        ({"Cargo.toml": ""}, [("cargo", ".")]),
        (TESTED | {"web/package.json": VITEST["package.json"]}, [("pytest", "."), ("vitest", "web")]),
        ({f"api/{name}": text for name, text in TESTED.items()} | NODE, [("node", "."), ("pytest", "api")]),
        ({"a b;rm/package.json": NODE["package.json"]}, [("pytest", ".")]),
    ],
)
def test_the_files_say_which_runners_there_are(
    files: dict[str, str], runners: list[tuple[str, str]], tmp_path: Path
) -> None:
    assert [(each.name, each.folder) for each in runners_of(laid_out(tmp_path, files))] == runners


def test_an_agent_runs_all_of_them_as_one_command(tmp_path: Path) -> None:
    laid_out(laid_out(tmp_path, TESTED), VITEST, "web")
    assert plain_command(runners_of(tmp_path)) == (
        "sh",
        "-c",
        '( python -m pytest -q ) && ( sh -c \'cd "$0" && exec "$@"\' web npx --no-install vitest run )',
    )
    assert plain_command(runners_of(tmp_path / "web"))[:2] == ("npx", "--no-install")


JEST = {
    "testResults": [
        {
            "name": "/checkout/cart.test.js",
            "status": "failed",
            "assertionResults": [
                {"fullName": "cart adds", "status": "passed", "duration": 12, "failureMessages": []},
                {"fullName": "cart pays", "status": "failed", "duration": None, "failureMessages": ["expected 3"]},
                {"fullName": "cart later", "status": "pending"},
            ],
        },
        {"name": "/checkout/bad.test.js", "status": "failed", "message": "SyntaxError", "assertionResults": []},
    ]
}
GO = "\n".join(
    json.dumps(event)
    for event in [
        {"Action": "output", "Package": "shop/cart", "Test": "TestPay", "Output": "cart_test.go:7: expected 3\n"},
        {"Action": "fail", "Package": "shop/cart", "Test": "TestPay", "Elapsed": 0.5},
        {"Action": "pass", "Package": "shop/cart", "Test": "TestAdd", "Elapsed": 0.1},
        {"Action": "skip", "Package": "shop/cart", "Test": "TestLater"},
        {"Action": "fail", "Package": "shop/cart"},
        {"Action": "output", "Package": "shop/bad", "Output": "undefined: Price\n"},
        {"Action": "fail", "Package": "shop/bad"},
    ]
)
CARGO = """running 2 tests
test cart::adds ... ok
test cart::pays ... FAILED
test cart::later ... ignored

failures:

---- cart::pays stdout ----
assertion failed: 3 == 4

failures:
    cart::pays
"""


def test_jest_go_and_cargo_tell_their_cases() -> None:
    assert [(case.name, case.outcome, case.message) for case in read_jest(json.dumps(JEST))] == [
        ("cart adds", PASSED, ""),
        ("cart pays", FAILED, "expected 3"),
        ("cart later", SKIPPED, ""),
        ("bad.test.js", ERROR, "SyntaxError"),
    ]
    assert [(case.name, case.outcome, case.message) for case in read_go(f"go: downloading\n{GO}\n")] == [
        ("shop/cart.TestPay", FAILED, "cart_test.go:7: expected 3\n"),
        ("shop/cart.TestAdd", PASSED, ""),
        ("shop/cart.TestLater", SKIPPED, ""),
        ("shop/bad", ERROR, "undefined: Price\n"),
    ]
    assert [(case.name, case.outcome, case.message) for case in read_cargo(CARGO)] == [
        ("cart::adds", PASSED, ""),
        ("cart::pays", FAILED, "assertion failed: 3 == 4"),
        ("cart::later", SKIPPED, ""),
    ]


Answer = Callable[[Path, Sequence[str]], Execution]


def leaving(report: str, exit_code: int, output: str = "") -> Answer:
    def answer(checkout: Path, _command: Sequence[str]) -> Execution:
        (checkout / ".orket-tests").write_text(report)
        return ended(exit_code, output)

    return answer


ONE = "<testsuite><testcase name='a'/></testsuite>"
BAD = "<testsuite><testcase name='a'><failure message='no'/></testcase></testsuite>"


@pytest.mark.parametrize(
    ("answer", "passed", "told"),
    [
        (leaving(ONE, 0, "1 passed\n"), True, ""),
        (leaving(ONE, 0), False, "pytest's report has 1 cases that passed, and its output tells of none"),
        (leaving(BAD, 1), False, "no"),
        (leaving(BAD, 0), False, "pytest ended with exit code 0, but its report has 1 cases that did not pass"),
        (leaving(ONE, 1), False, "pytest ended with exit code 1, but every case in its report passed"),
        (leaving("<!DOCTYPE x [<!ENTITY a 'b'>]><testsuite/>", 0), False, "the JUnit report cannot be read"),
        (leaving("<testsuite/>", 0), False, None),
        (lambda _checkout, _command: ended(127, "python: not found"), False, "python cannot be run here"),
    ],
)
def test_what_a_runner_left_must_agree_with_how_it_ended(
    answer: Answer, passed: bool, told: str | None, tmp_path: Path
) -> None:
    report = run_found_tests(MemoryWorkbenches(answer).open(tmp_path, name="a"), deadline=5)
    assert report.passed is passed
    if told is None:
        assert "says of no test that it passed: nothing is proven" in report.log
    else:
        assert told in report.cases[-1].message


def test_one_runner_that_fails_fails_them_all(tmp_path: Path) -> None:
    laid_out(laid_out(tmp_path, TESTED), {"go.mod": ""}, "tool")

    def answer(_checkout: Path, command: Sequence[str]) -> Execution:
        return ended(1, GO) if "go" in command else ended(0, "1 passed\n")

    report = run_found_tests(MemoryWorkbenches(answer).open(tmp_path, name="a"), deadline=5)
    assert (report.passed, report.exit_code) == (False, 1)
    assert report.counts == {"passed": 2, "failed": 1, "skipped": 1, "errors": 1}


@pytest.mark.slow
def test_pytest_and_node_s_runner_are_run_and_read(tmp_path: Path, require: Callable[[str, bool, str], None]) -> None:
    require("browser", shutil.which("node") is not None, "there is no node")
    laid_out(tmp_path, {"test_a.py": "def test_a(): pass\ndef test_b(): assert 1 == 2\n"})
    script = "const {test} = require('node:test'); test('adds', () => {}); test('pays', () => { throw Error('3') })"
    laid_out(tmp_path, NODE | {"cart.test.js": script}, "web")
    workbenches = ProcessWorkbenches()
    workbench = workbenches.open(tmp_path, name="a")
    try:
        report = run_found_tests(workbench, deadline=60)
    finally:
        workbench.close()
        workbenches.close()
    outcomes = {case.name: case.outcome for case in report.cases}
    assert outcomes == {"test_a.test_a": PASSED, "test_a.test_b": FAILED, "test.adds": PASSED, "test.pays": FAILED}
    assert not report.passed


@pytest.mark.parametrize(
    ("reader", "file", "cases", "why"),
    [
        (
            read_jest,
            "jest.json",
            {
                "the cart adds": PASSED,
                "the cart gives the third away": FAILED,
                "the cart pays": SKIPPED,
                "broken.test.js": ERROR,
            },
            ["Expected: 2\nReceived: 3", "Cannot find module './gone' from 'broken.test.js'"],
        ),
        (
            read_go,
            "go.jsonl",
            {
                "shop/broken": ERROR,
                "shop.TestAdds": PASSED,
                "shop.TestThird/is_free": FAILED,
                "shop.TestThird": FAILED,
                "shop.TestPays": SKIPPED,
            },
            ["broken_test.go:5:29: undefined: missing", "three cost 3, not 2", "--- FAIL: TestThird"],
        ),
        (
            read_cargo,
            "cargo.txt",
            {"tests::adds": PASSED, "tests::pays": SKIPPED, "tests::the_third_is_free": FAILED},
            ["assertion `left == right` failed: three cost too much\n  left: 3\n right: 2"],
        ),
    ],
)
def test_what_runners_really_said_is_read_case_by_case(
    reader: Callable[[str], list[Case]], file: str, cases: dict[str, CaseOutcome], why: list[str]
) -> None:
    found = reader((OUTPUT / file).read_text())
    assert {case.name: case.outcome for case in found} == cases
    told = [case.message for case in found if case.outcome in {FAILED, ERROR}]
    assert all(text in message for text, message in zip(why, told, strict=True))


def test_a_package_that_does_not_build_fails_the_tests_of_all(tmp_path: Path) -> None:
    said = (OUTPUT / "go.jsonl").read_text()
    laid_out(tmp_path, {"go.mod": "module shop"})
    bench = MemoryWorkbenches(lambda _checkout, _command: ended(2, said)).open(tmp_path, name="a", stop=Event())
    report = run_found_tests(bench, deadline=5)
    assert (report.passed, report.counts) == (False, {"errors": 1, "passed": 1, "failed": 2, "skipped": 1})
