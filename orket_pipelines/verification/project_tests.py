"""The project's own tests, on a workbench over a fresh checkout. Who wrote the code wrote them: evidence, no proof."""

import re
from collections.abc import Iterable, Sequence

from orket_pipelines.verification.model import SuiteReport
from orket_pipelines.verification.reports import LOG_LIMIT
from orket_pipelines.workbench.model import Workbench

DEFAULT_COMMAND = ("python", "-m", "pytest", "-q")

_closing_line = re.compile(r"(\d+) (passed|failed|errors?|skipped)\b")
_cargo_line = re.compile(r"^test result: ", re.MULTILINE)
_node_line = re.compile(r"^(?:#|ℹ) (pass|fail|skipped) (\d+)$", re.MULTILINE)  # noqa: RUF001 - as node prints it
_unittest_line = re.compile(r"^Ran (\d+) tests? in .*\n+(?:OK|FAILED \((.*)\))", re.MULTILINE)
_go_line = re.compile(r"^(ok|FAIL)\s+\S+\s+(?:\d[\d.]*s|\(cached\))(?! \[no tests to run\])", re.MULTILINE)
_node_words = {"pass": "passed", "fail": "failed", "skipped": "skipped"}


def run_project_tests(workbench: Workbench, command: Sequence[str], *, deadline: float) -> SuiteReport:
    """Run `command`; exit code 0 within `deadline` seconds, with a test that passed, is a pass; everything else is a
    failure with its log."""
    execution = workbench.run(command, deadline=deadline)
    counts, log = read_counts(execution.output), execution.output[-LOG_LIMIT:]
    if execution.timed_out:
        log += f"\nThe tests did not end within {deadline:g} seconds and were stopped."
    elif execution.succeeded and not counts.get("passed"):
        log += f"\n{' '.join(command)} ended with exit code 0, but says of no test that it passed: nothing is proven."
    passed = execution.succeeded and counts.get("passed", 0) > 0
    return SuiteReport(passed, counts, execution.exit_code, log)


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
