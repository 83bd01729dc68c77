"""What must hold of a delivered commit, and what came of trying it."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class SuiteKind(StrEnum):
    """`project` runs the project's own tests, `healthy` asks whether every service answers, `http` sends the requests
    of a file, `e2e` drives a browser with a test file of the card's author. `smoke` opens the page that people open,
    `openapi` tries a service by its own description, `scenarios` are the card's, each tried through a `fixture` of its
    rock, which is no suite by itself. `missing` is a suite that a card names and its rock does not hold: it never
    passes."""

    PROJECT = "project"
    HEALTHY = "healthy"
    HTTP = "http"
    E2E = "e2e"
    SMOKE = "smoke"
    OPENAPI = "openapi"
    SCENARIOS = "scenarios"
    FIXTURE = "fixture"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as a rock declares it. `source` is the text of its file, taken in when the cards were imported: agents
    cannot reach it. `digest` is of the source."""

    name: str
    kind: SuiteKind
    source: str = ""
    file_name: str = ""
    digest: str = ""


class CaseOutcome(StrEnum):
    """`flaky`: of two runs on the same commit it passed one."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    FLAKY = "flaky"


BAD = frozenset({CaseOutcome.FAILED, CaseOutcome.ERROR})
"""What a case that did not pass came to."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test of a run; `message` says why it did not pass."""

    name: str
    outcome: CaseOutcome
    seconds: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a run left: screenshot, video, trace, JUnit. `path` is absolute, under ORKET_HOME/artifacts."""

    name: str
    media_type: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SuiteReport:
    """What came of one run. `counts` is by outcome word (passed, failed, errors, skipped, flaky), empty where nothing
    that we can read was said. `exit_code` None: it did not end by itself. A run without a case did not pass."""

    passed: bool
    counts: dict[str, int]
    exit_code: int | None
    log: str
    cases: tuple[Case, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What is tried: addresses by service as this host sees them, the front one's name, and for containers the network
    that the sandbox is on (None where it runs as processes) with the addresses as seen there."""

    sandbox_id: str
    front: str
    urls: Mapping[str, str]
    network: str | None = None
    inside_urls: Mapping[str, str] = field(default_factory=dict)


class Browsers(Protocol):
    """Runs end-to-end suites: in a container that reaches the sandbox alone, or as a process of this host."""

    def run(self, suite: Suite, target: Target, *, folder: Path, deadline: float, stop: threading.Event) -> SuiteReport:
        """Run the suite's test file with pytest and Playwright against `target`, for `deadline` seconds at most.

        Screenshots, video, trace and JUnit lie in `folder` afterwards, and nothing else does; what a model wrote has
        had a hand in them: hostile. A run that was killed is run again with the same `folder`, and finds what it left.
        Raises: EngineUnavailable, WorkbenchError where there is no browser to run it in, InstallFailed where pytest and
        Playwright cannot be had, Stopped."""
