"""Whether it works: what a card must pass, how suites are run, and what came of it.

What was tested, and what it left behind, is hostile data: bounded, parsed with care, never run or followed.

What sends requests or drives browsers has to be asked for by its module (`verification.running`,
`verification.container_browsers`, `verification.process_browsers`), so that naming a report costs no library.
"""

from orket_pipelines.verification.artifacts import artifacts_folder, screenshot_uri
from orket_pipelines.verification.model import (
    Artifact,
    Browsers,
    Case,
    CaseOutcome,
    Suite,
    SuiteKind,
    SuiteReport,
    Target,
)
from orket_pipelines.verification.project_tests import run_found_tests, run_project_tests
from orket_pipelines.verification.suites import rock_suites, suites_of

__all__ = [
    "Artifact",
    "Browsers",
    "Case",
    "CaseOutcome",
    "Suite",
    "SuiteKind",
    "SuiteReport",
    "Target",
    "artifacts_folder",
    "rock_suites",
    "run_found_tests",
    "run_project_tests",
    "screenshot_uri",
    "suites_of",
]
