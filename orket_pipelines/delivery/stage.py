"""Where results are put to work."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.model import Sandboxes
from orket_pipelines.verification.model import Browsers, SuiteReport
from orket_pipelines.verification.running import run_suite


@dataclass(frozen=True, slots=True)
class Stage:
    """Where results are put to work: what runs them, and what tries them.

    `serves` says of a checkout whether there is anything in it to run; `run_suite` runs a suite on what was deployed.
    """

    sandboxes: Sandboxes
    browsers: Browsers
    serves: Callable[[Path], bool] = lambda source: detect(source).serves
    run_suite: Callable[..., SuiteReport] = run_suite
