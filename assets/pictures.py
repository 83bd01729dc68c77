"""The picture that a browser left, among what is told of tests; nothing else here reads a file of the factory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dagster import MetadataValue

from assets.history import History
from assets.model import Made, Report
from orket_pipelines.verification import Artifact, SuiteKind, screenshot_uri

BROWSED = frozenset({SuiteKind.E2E, SuiteKind.SMOKE})
"""Kinds of suites that take pictures."""


def illustrated(reports: Iterable[Report], history: History, home: Path) -> list[Report]:
    """The reports as they are, but for the tests': with a picture, where a browser left one that can be shown."""
    return [_with_picture(report, history, home) if _is_of_tests(report) else report for report in reports]


def pictures_of(history: History) -> list[dict[str, Any]]:
    """The pictures of the last browsers, what is best seen first: of a suite that failed, then of the latest.

    Within a suite those of failed tests come first, then what it took on purpose, then the ends of tests.
    """
    runs = [run for run in reversed(history.suites.values()) if run.get("kind") in BROWSED]
    return [picture for run in sorted(runs, key=lambda run: bool(run["passed"])) for picture in _of_run(run)]


def _of_run(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    def rank(picture: Mapping[str, Any]) -> tuple[bool, bool, str]:
        stem = Path(picture["name"]).stem
        return not stem.endswith("-failed"), stem.startswith("test_"), stem

    left = [artifact for artifact in run.get("artifacts") or () if artifact["media_type"] == "image/png"]
    for picture in sorted(left, key=rank):
        yield {**picture, "suite": run["suite"]}


def _is_of_tests(report: Report) -> bool:
    return isinstance(report, Made) and report.asset == "test_reports"


def _with_picture(report: Report, history: History, home: Path) -> Report:
    """With the first that is still there, is a picture, and is small enough to be kept in Dagster's own database."""
    for told in pictures_of(history):
        path = home.resolve() / told["path"]
        uri = screenshot_uri(Artifact(told["name"], told["media_type"], path, told["size"], told["sha256"]))
        if uri is not None:
            picture = MetadataValue.md(f"![{told['name']}, taken by the suite {told['suite']}]({uri})")
            return replace(report, metadata={**report.metadata, "picture": picture})
    return report
