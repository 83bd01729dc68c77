"""What runs in the containers of a line of fakes: tests that wait where the story needs an order, builds, a page."""

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from orket_pipelines.containers import ContainerPurpose, ContainerSpec, FolderMount
from orket_pipelines.dependencies import plays_installs
from orket_pipelines.verification import Case, CaseOutcome, Suite, SuiteKind, SuiteReport, Target
from orket_pipelines.verification.fake import passing, reporting
from orket_pipelines.verification.model import Browsers
from orket_pipelines.verification.reports import report_of
from orket_pipelines.verification.running import run_suite

FAILED = (
    b'<?xml version="1.0"?><testsuite><testcase name="test_page"><failure message="faulty"/></testcase></testsuite>'
)
Said = tuple[int | None, str]


class Programs:
    """The programs of a `MemoryEngine`: asked twice, they say the same. `before_tests` hears whose tests begin."""

    def __init__(self, home: Path, before_tests: Callable[[str], None]) -> None:
        self._home = home
        self._before_tests = before_tests

    def __call__(self, spec: ContainerSpec, command: Sequence[str]) -> Said:
        own = tuple(command) == spec.command
        match spec.labels.purpose:
            case ContainerPurpose.BROWSER:
                return self._browse(spec, command)
            case ContainerPurpose.INSTALL if "nonsense" in _read(_folder(spec) / "requirements.txt"):
                return 1, "no such package: nonsense\n"
            case ContainerPurpose.BUILD if not own:
                return (0, "built\n") if command[0] == "timeout" else (0, _archive(_folder(spec) / "page"))
            case ContainerPurpose.WORKBENCH if not own:
                return self._test(spec)
        return plays_installs(spec, command) or (None, "")

    def _test(self, spec: ContainerSpec) -> Said:
        """The project's tests pass unless a file says broken."""
        checkout = _folder(spec)
        if checkout.name.startswith("test-"):
            self._before_tests(spec.labels.subject)
        broken = [path.name for path in checkout.iterdir() if path.is_file() and "broken" in path.read_text()]
        return (1, f"{broken} failed\n1 failed in 0.01s\n") if broken else (0, "1 passed in 0.01s\n")

    def _browse(self, spec: ContainerSpec, command: Sequence[str]) -> Said:
        """The suite passes unless something that the sandbox serves is faulty."""
        folders = (self._home / "sandboxes" / spec.labels.workspace / spec.labels.subject).iterdir()
        generations = [folder for folder in folders if folder.name.isdecimal()]
        served = max(generations, key=lambda folder: int(folder.name)) / "made" / "page"
        if not any("faulty" in path.read_text() for path in served.iterdir()):
            return passing(spec, command)
        return reporting(spec, FAILED, 1, "1 failed\n")


def try_suite(suite: Suite, target: Target, *, browsers: Browsers, **about: Any) -> SuiteReport:
    """As `run_suite`, where nothing listens: every service is healthy."""
    if suite.kind is SuiteKind.HEALTHY:
        cases = [Case(name, CaseOutcome.PASSED, 0.0) for name in target.urls]
        return report_of(cases, exit_code=0, log="")
    return run_suite(suite, target, browsers=browsers, **about)


def _folder(spec: ContainerSpec) -> Path:
    return _mounts(spec)[0].source


def _mounts(spec: ContainerSpec) -> list[FolderMount]:
    return [mount for mount in spec.mounts if isinstance(mount, FolderMount)]


def _read(file: Path) -> str:
    return file.read_text() if file.is_file() else ""


def _archive(folder: Path) -> str:
    """The files of `folder` as a tar, which is ASCII where they are."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as packed:
        for path in sorted(folder.iterdir()):
            member = tarfile.TarInfo(f"./{path.name}")
            member.size = path.stat().st_size
            packed.addfile(member, io.BytesIO(path.read_bytes()))
    return made.getvalue().decode("ascii")
