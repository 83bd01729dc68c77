"""The project's own tests, run on a workbench over a fresh checkout."""

import re
from collections.abc import Sequence

from orket_pipelines.verification.model import SuiteReport
from orket_pipelines.verification.reports import LOG_LIMIT
from orket_pipelines.workbench.model import Workbench

DEFAULT_COMMAND = ("python", "-m", "pytest", "-q")

_closing_line = re.compile(r"(\d+) (passed|failed|errors?|skipped)\b")


def run_project_tests(workbench: Workbench, command: Sequence[str], *, deadline: float) -> SuiteReport:
    """Run `command`; exit code 0 within `deadline` seconds is a pass, everything else a failure with its log."""
    execution = workbench.run(command, deadline=deadline)
    log = execution.output[-LOG_LIMIT:]
    if execution.timed_out:
        log += f"\nThe tests did not end within {deadline:g} seconds and were stopped."
    return SuiteReport(execution.succeeded, read_counts(execution.output), execution.exit_code, log)


def read_counts(output: str) -> dict[str, int]:
    """The numbers of the last line that has any, as pytest and runners like it close with."""
    for line in reversed(output.splitlines()):
        found = _closing_line.findall(line)
        if found:
            return {word if word != "error" else "errors": int(number) for number, word in found}
    return {}
