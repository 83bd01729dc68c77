"""Whether it works: suites and what came of running them."""

from orket_pipelines.verification.project_tests import TestReport, run_project_tests

__all__ = ["TestReport", "run_project_tests"]
