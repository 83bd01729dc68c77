"""Browsers that open no page: suites are answered from memory. For the line's tests, crash sweeps and benches."""

import base64
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from orket_pipelines.containers.model import ContainerSpec, FolderMount
from orket_pipelines.verification.artifacts import keep
from orket_pipelines.verification.e2e.orket_seal import KEY, seal_line
from orket_pipelines.verification.model import Case, CaseOutcome, Suite, SuiteReport, Target
from orket_pipelines.verification.reports import report_of

Answer = Callable[[Suite, Target], SuiteReport]
"""What comes of a suite."""
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""One pixel as a PNG."""
PASSED = b'<?xml version="1.0"?><testsuite><testcase classname="page" name="test_page"/></testsuite>'
"""A JUnit report."""


def passing(spec: ContainerSpec, command: Sequence[str]) -> tuple[int, str]:
    """What a container of `ContainerBrowsers` does on a `MemoryEngine` where its one test passes."""
    return reporting(spec, PASSED, 0, f"{command[0]}: 1 passed\n")


def reporting(spec: ContainerSpec, report: bytes, exit_code: int, said: str) -> tuple[int, str]:
    """The same with another report: left beside a picture, and sealed."""
    out = next(mount.source for mount in spec.mounts if isinstance(mount, FolderMount) and not mount.read_only)
    (out / "page.png").write_bytes(PICTURE)
    (out / "junit.xml").write_bytes(report)
    return exit_code, f"{said}\n{seal_line(spec.environment[KEY], exit_code, report)}\n"


class MemoryBrowsers:
    """Answers every suite by `answer`; without it, each passes with one case and a picture of one pixel.

    `runs` holds the suites that were run, in order.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self._answer = answer
        self.runs: list[Suite] = []

    def run(self, suite: Suite, target: Target, *, folder: Path, deadline: float, stop: threading.Event) -> SuiteReport:
        """The answer to `suite`."""
        del deadline, stop
        self.runs.append(suite)
        if self._answer is not None:
            return self._answer(suite, target)
        case, picture = Case(f"{suite.name}.page", CaseOutcome.PASSED, 0.0), keep("page.png", PICTURE, folder)
        return report_of([case], exit_code=0, log="1 passed", artifacts=[picture])
