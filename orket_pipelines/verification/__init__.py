"""Whether it works: suites and what came of running them."""

from orket_pipelines.verification.model import SuiteReport
from orket_pipelines.verification.project_tests import run_project_tests

__all__ = ["SuiteReport", "run_project_tests"]
