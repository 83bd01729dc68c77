"""The project's own tests, on a workbench over a fresh checkout. Who wrote the code wrote them: evidence, no proof."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence

from orket_pipelines.errors import OrketError
from orket_pipelines.verification.junit import UnreadableReport
from orket_pipelines.verification.model import Case, CaseOutcome, SuiteReport
from orket_pipelines.verification.reports import LOG_LIMIT, broken, doubt_of, report_of
from orket_pipelines.verification.runners import Runner, runners_of
from orket_pipelines.workbench.files import Files
from orket_pipelines.workbench.model import Execution, Workbench

NOT_FOUND = 127
OUTPUT_LIMIT = 1_000_000
"""Bytes of output: go tells its cases in it."""

_closing_line = re.compile(r"(\d+) (passed|failed|errors?|skipped)\b")
_cargo_line = re.compile(r"^test result: ", re.MULTILINE)
_node_line = re.compile(r"^(?:#|ℹ) (pass|fail|skipped) (\d+)$", re.MULTILINE)  # noqa: RUF001 - as node prints it
_unittest_line = re.compile(r"^Ran (\d+) tests? in .*\n+(?:OK|FAILED \((.*)\))", re.MULTILINE)
_go_line = re.compile(r"^(ok|FAIL)\s+\S+\s+(?:\d[\d.]*s|\(cached\))(?! \[no tests to run\])", re.MULTILINE)
_node_words = {"pass": "passed", "fail": "failed", "skipped": "skipped"}


def run_project_tests(workbench: Workbench, command: Sequence[str], *, deadline: float) -> SuiteReport:
    """Run `command`; exit code 0 within `deadline` seconds, with a test that passed, is a pass; everything else is a
    failure with its log."""
    return judged_by_output(workbench.run(command, deadline=deadline), command, deadline)


def judged_by_output(execution: Execution, command: Sequence[str], deadline: float) -> SuiteReport:
    """A report of what a command said."""
    counts, log = read_counts(execution.output), execution.output[-LOG_LIMIT:]
    if execution.timed_out:
        log += f"\nThe tests did not end within {deadline:g} seconds and were stopped."
    elif execution.succeeded and not counts.get("passed"):
        log += f"\n{' '.join(command)} ended with exit code 0, but says of no test that it passed: nothing is proven."
    passed = execution.succeeded and counts.get("passed", 0) > 0
    return SuiteReport(passed, counts, execution.exit_code, log)


def run_found_tests(workbench: Workbench, *, deadline: float) -> SuiteReport:
    """The same for a project whose rock names no command: every runner that its files call for, in turn, within
    `deadline` seconds in all; one report of them."""
    until = time.monotonic() + deadline
    reports = []
    for runner in runners_of(workbench.checkout):
        left = until - time.monotonic()
        reports.append(_run_runner(workbench, runner, max(1.0, left)))
    return joined(reports)


def joined(reports: Sequence[SuiteReport]) -> SuiteReport:
    """One report of several runs; it passed where all did. The exit code is the first that is none of success."""
    codes = [report.exit_code for report in reports]
    exit_code = next((code for code in codes if code != 0), 0)
    counts: dict[str, int] = {}
    for report in reports:
        for word, number in report.counts.items():
            counts[word] = counts.get(word, 0) + number
    cases = tuple(case for report in reports for case in report.cases)
    log = "\n".join(report.log for report in reports)[-LOG_LIMIT:]
    return SuiteReport(all(report.passed for report in reports), counts, exit_code, log, cases)


def _run_runner(workbench: Workbench, runner: Runner, deadline: float) -> SuiteReport:
    execution = workbench.run(runner.words(), deadline=deadline, output_limit=OUTPUT_LIMIT)
    if execution.exit_code == NOT_FOUND:
        reason = f"{runner.command[0]} cannot be run here, so that the tests in {runner.folder} cannot: "
        return broken(runner.name, reason + execution.output[-500:], exit_code=NOT_FOUND)
    plain = judged_by_output(execution, runner.words(plain=True), deadline)
    try:
        cases = _cases(workbench, runner, execution.output)
    except UnreadableReport as error:
        return broken(runner.name, str(error), exit_code=execution.exit_code, log=plain.log)
    if not cases or execution.timed_out:
        return plain
    if doubt := doubt_of(runner.name, cases, execution.exit_code) or _contradiction(runner, cases, plain.counts):
        cases = [*cases, Case(runner.name, CaseOutcome.ERROR, 0.0, doubt)]
    return report_of(cases, exit_code=execution.exit_code, log=plain.log)


def _contradiction(runner: Runner, cases: Sequence[Case], counts: Mapping[str, int]) -> str:
    """Why a report cannot be believed beside the output: pytest closes with its numbers, where it comes to its end."""
    passed = sum(case.outcome is CaseOutcome.PASSED for case in cases)
    if runner.name != "pytest" or not passed or counts.get("passed"):
        return ""
    return f"pytest's report has {passed} cases that passed, and its output tells of none: something else wrote it"


def _cases(workbench: Workbench, runner: Runner, output: str) -> list[Case]:
    """What the runner told one by one; nothing where it left no report. Raises: UnreadableReport."""
    if runner.read is None:
        return []
    if not runner.reports:
        return runner.read(output)
    try:
        content = Files(workbench.checkout).read(runner.report)
    except OrketError:
        return []
    return runner.read(content.decode(errors="replace"))


def read_counts(output: str) -> dict[str, int]:
    """What a runner closes with: the numbers of the last line that has any, as pytest, jest and vitest write it; the
    sum of cargo's results; what node's own runner, unittest and go say. Of go, each is a package."""
    if _cargo_line.search(output):
        return _sum(line for line in output.splitlines() if line.startswith("test result: "))
    for line in reversed(output.splitlines()):
        found = _closing_line.findall(line)
        if found:
            return {word if word != "error" else "errors": int(number) for number, word in found}
    if found := _node_line.findall(output):
        return {_node_words[word]: int(number) for word, number in found if int(number)}
    if (ran := _unittest_line.search(output)) is not None:
        return _of_unittest(int(ran[1]), ran[2] or "")
    results = [found[0] for found in _go_line.findall(output)] if "\t" in output else []
    told = {"passed": results.count("o"), "failed": results.count("F")}
    return {word: number for word, number in told.items() if number}


def _sum(lines: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for line in lines:
        for number, word in _closing_line.findall(line):
            counts[word] = counts.get(word, 0) + int(number)
    return {word: number for word, number in counts.items() if number}


def _of_unittest(ran: int, bad: str) -> dict[str, int]:
    numbers = {word: int(number) for word, number in re.findall(r"(failures|errors|skipped)=(\d+)", bad)}
    told = {"failed": numbers.get("failures", 0), "errors": numbers.get("errors", 0)}
    told["passed"] = ran - sum(told.values()) - numbers.get("skipped", 0)
    return {word: number for word, number in told.items() if number}
