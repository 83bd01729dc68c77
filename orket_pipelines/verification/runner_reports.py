"""What runners tell that write no JUnit: jest's JSON, go's stream of events, cargo's lines. All of it is hostile."""

import json
import re
from collections.abc import Iterator
from typing import Any

from orket_pipelines.verification.junit import CASE_LIMIT, UnreadableReport
from orket_pipelines.verification.model import Case, CaseOutcome
from orket_pipelines.verification.reports import NAME_LIMIT, shortened

_jest = {"passed": CaseOutcome.PASSED, "failed": CaseOutcome.FAILED}
_go = {"pass": CaseOutcome.PASSED, "fail": CaseOutcome.FAILED, "skip": CaseOutcome.SKIPPED}
_cargo = {"ok": CaseOutcome.PASSED, "FAILED": CaseOutcome.FAILED, "ignored": CaseOutcome.SKIPPED}
_cargo_line = re.compile(r"^test (\S{1,200})(?: - \S+)? \.\.\. (ok|FAILED|ignored)\b", re.MULTILINE)
_cargo_output = re.compile(r"^---- (\S{1,200}) stdout ----\n(.*?)(?=^---- |^failures:|\Z)", re.MULTILINE | re.DOTALL)
_go_not_built = re.compile(r"^FAIL\t(\S{1,200}) \[(?:build|setup) failed\]$", re.MULTILINE)
_go_compiler = re.compile(r"^# (\S{1,200})[^\n]*\n((?:[^\n{#][^\n]*\n)+)", re.MULTILINE)
OUTPUT_LINES = 60
LONGEST = 1e9
"""No test takes as long, in whatever unit."""


def read_jest(text: str) -> list[Case]:
    """The cases of `jest --json`. Raises: UnreadableReport."""
    try:
        files = json.loads(text)["testResults"]
        return _bounded(case for file in files for case in _of_jest_file(file))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableReport(f"jest's report cannot be read: {shortened(str(error), 200)}") from error


def _of_jest_file(file: Any) -> Iterator[Case]:
    for case in file["assertionResults"]:
        outcome = _jest.get(case["status"], CaseOutcome.SKIPPED)
        told = "\n".join(str(each) for each in case.get("failureMessages") or ())
        yield Case(shortened(str(case["fullName"]), NAME_LIMIT), outcome, _seconds(case, 1e3), shortened(told))
    if file.get("status") == "failed" and not file["assertionResults"]:
        # It could not be loaded, so that none of its tests ran.
        name = shortened(str(file.get("name")).rpartition("/")[2], NAME_LIMIT)
        yield Case(name, CaseOutcome.ERROR, 0.0, shortened(str(file.get("message") or "")))


def read_go(text: str) -> list[Case]:
    """The cases of `go test -json`; a package that does not build is an error. Raises: UnreadableReport."""
    said: dict[str, list[str]] = {}
    cases = _not_built(text)
    for line in text.splitlines():
        event = _event(line)
        name = ".".join(str(event[key]) for key in ("Package", "Test") if event.get(key))
        if event.get("Action") == "output":
            said.setdefault(name, []).append(str(event.get("Output") or ""))
        elif event.get("Test") and event.get("Action") in _go:
            cases.append(_of_go(name, event, said))
        elif event.get("Action") == "fail" and not any(case.name.startswith(f"{name}.") for case in cases):
            told = "".join(said.get(name, [])[-OUTPUT_LINES:])
            cases.append(Case(shortened(name, NAME_LIMIT), CaseOutcome.ERROR, 0.0, shortened(told)))
    return _bounded(iter(cases))


def _not_built(text: str) -> list[Case]:
    """The packages that go could not build, with what its compiler said of them. It says so in plain lines."""
    told = {found[0]: found[1] for found in _go_compiler.findall(text)}
    return [
        Case(shortened(name, NAME_LIMIT), CaseOutcome.ERROR, 0.0, shortened(told.get(name, "it does not build")))
        for name in _go_not_built.findall(text)
    ]


def _of_go(name: str, event: dict[str, Any], said: dict[str, list[str]]) -> Case:
    outcome = _go[event["Action"]]
    told = "".join(said.get(name, [])[-OUTPUT_LINES:]) if outcome is CaseOutcome.FAILED else ""
    return Case(shortened(name, NAME_LIMIT), outcome, _seconds(event, 1.0, "Elapsed"), shortened(told))


def read_cargo(text: str) -> list[Case]:
    """The cases that cargo's lines name. Raises: UnreadableReport."""
    told = dict(_cargo_output.findall(text))
    found = _cargo_line.findall(text)
    return _bounded(Case(name, _cargo[word], 0.0, shortened(told.get(name, "").strip())) for name, word in found)


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}


def _seconds(node: dict[str, Any], parts: float, key: str = "duration") -> float:
    value = node.get(key)
    fits = isinstance(value, int | float) and 0 <= value < LONGEST
    return float(value) / parts if fits else 0.0  # type: ignore[arg-type]


def _bounded(cases: Iterator[Case]) -> list[Case]:
    kept: list[Case] = []
    for case in cases:
        if len(kept) >= CASE_LIMIT:
            raise UnreadableReport(f"the report has more than {CASE_LIMIT} cases")
        kept.append(case)
    return kept
