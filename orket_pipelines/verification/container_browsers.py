"""End-to-end suites in a container that reaches the sandbox and nothing else."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from orket_pipelines.clock import MICROSECONDS, Clock, SystemClock
from orket_pipelines.containers.defaults import command_user, limits_of
from orket_pipelines.containers.model import (
    ContainerPurpose,
    ContainerSpec,
    FolderMount,
    Labels,
    Scratch,
)
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import Stopped, WorkbenchError
from orket_pipelines.git.folders import remove
from orket_pipelines.settings import Settings
from orket_pipelines.store import failpoint, reach
from orket_pipelines.verification.browser_runs import (
    Bench,
    command,
    conclude,
    environment,
    has_grown_too_large,
    lay_out,
    packages,
)
from orket_pipelines.verification.model import Suite, SuiteReport, Target

BEFORE_START = failpoint("browser.before_start")
AFTER_START = failpoint("browser.after_start")
AFTER_RUN = failpoint("browser.after_run")
BEFORE_CLEAR = failpoint("browser.before_clear")

CHROMIUM = "/usr/bin/chromium"
"""Where the image has it."""
SUITE, OUT = "/suite", "/out"
SHARED_MEMORY = 512 * 1024**2
"""Chromium passes pictures of pages through it; the usual 64 MiB crash it."""
PROCESSES = 512
GRACE = 60.0
"""Seconds past a suite's deadline after which its container may be reaped, should nobody have removed it."""
FILE_SIZE = 64 * 1024**2
LOOK_EVERY = 0.5
"""Seconds between looks at what the run has written."""


class PackageInstaller(Protocol):
    """What is asked of `dependencies.ContainerInstaller` here."""

    def prepare_packages(
        self, packages: Sequence[str], *, image: str, subject: str, stop: threading.Event
    ) -> Environment:
        """Python packages for containers of `image`, installed now where they are not there yet."""


@dataclass(frozen=True, slots=True)
class ContainerBrowsers:
    """Runs end-to-end suites on an engine, in the image `settings.e2e_image`.

    `labels` name this worker; the rest of them is set for each run.
    """

    engine: Engine
    installer: PackageInstaller
    settings: Settings
    labels: Labels
    clock: Clock = field(default_factory=SystemClock)

    def run(self, suite: Suite, target: Target, *, folder: Path, deadline: float, stop: threading.Event) -> SuiteReport:
        """Run the suite as the port says; the container and its folders are gone when this returns."""
        if target.network is None or target.front not in target.inside_urls:
            raise WorkbenchError(f"sandbox {target.sandbox_id} is on no network, so that no container can reach it")
        bench = lay_out(self.settings.home, folder, suite)
        try:
            image, subject = self.settings.e2e_image, target.sandbox_id
            made = self.installer.prepare_packages(packages(suite.kind), image=image, subject=subject, stop=stop)
            return self._run(BrowserRun(suite, target, bench, made), folder, deadline, stop)
        finally:
            reach(BEFORE_CLEAR)
            remove(bench.root)

    def _run(self, run: "BrowserRun", folder: Path, deadline: float, stop: threading.Event) -> SuiteReport:
        expires = self.clock.now() + int((deadline + GRACE) * MICROSECONDS)
        spec = run.spec(self.settings, replace(self.labels, expires=expires))
        # Where this run was killed, or the engine started it and its answer was lost.
        self.engine.remove(spec.name)
        watch = _Watch(run.bench, self.clock, self.clock.monotonic() + deadline, stop)
        reach(BEFORE_START)
        container = self.engine.start(spec)
        reach(AFTER_START)
        try:
            exit_code = self.engine.wait(container.id, should_stop=watch)
            log = self.engine.logs(container.id)
        finally:
            # Nothing writes to the folders once it is gone; where the engine is gone, its reaper removes it later.
            self.engine.remove(container.id)
        reach(AFTER_RUN)
        if stop.is_set():
            raise Stopped(f"stopped while suite {run.suite.name} was running")
        stopped = watch.reason if exit_code is None else ""
        return conclude(run.suite, run.bench, folder, exit_code=exit_code, log=log, stopped=stopped)


@dataclass(frozen=True, slots=True)
class BrowserRun:
    """A suite that is about to run: what is tried, its folders, and what was installed for it."""

    suite: Suite
    target: Target
    bench: Bench
    made: Environment

    def spec(self, settings: Settings, labels: Labels) -> ContainerSpec:
        """What the engine is asked for."""
        urls = self.target.inside_urls
        about = {"suite_folder": SUITE, "out": OUT, "key": self.bench.key, "impact": settings.accessibility}
        told = environment(urls, self.target.front, chromium=CHROMIUM, **about)
        path = ":".join((*self.made.path, "/usr/local/bin", "/usr/bin", "/bin"))
        variables = dict(self.made.variables) | told | {"PATH": path, "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 - a tmpfs
        return ContainerSpec(
            name=f"orket-browser-{self.bench.root.name}",
            image=settings.e2e_image,
            command=command(self.suite, python="python", suite_folder=SUITE, out=OUT),
            labels=replace(labels, subject=self.target.sandbox_id, purpose=ContainerPurpose.BROWSER),
            user=command_user(),
            environment=variables,
            folder="/tmp",  # noqa: S108 - a tmpfs of the container's own
            mounts=(
                FolderMount(self.bench.suite, SUITE),
                FolderMount(self.bench.out, OUT, read_only=False),
                *self.made.mounts,
            ),
            scratch=(Scratch("/tmp", size=512 * 1024**2),),  # noqa: S108 - the profile, the home
            limits=replace(
                limits_of(settings),
                processes=max(settings.container_processes, PROCESSES),
                file_size=FILE_SIZE,
                shared_memory=SHARED_MEMORY,
            ),
            network=self.target.network,
        )


class _Watch:
    """Asked several times a second whether a run must be stopped; `reason` says why."""

    def __init__(self, bench: Bench, clock: Clock, until: float, stop: threading.Event) -> None:
        self._bench = bench
        self._clock = clock
        self._until = until
        self._stop = stop
        self._looked = 0.0
        self.reason = ""

    def __call__(self) -> bool:
        now = self._clock.monotonic()
        if self._stop.is_set():
            self.reason = "a stop was asked for"
        elif now > self._until:
            self.reason = "the suite did not end within its time and was stopped"
        elif now - self._looked > LOOK_EVERY:
            self._looked = now
            if has_grown_too_large(self._bench):
                self.reason = "the suite wrote more artifacts than it may and was stopped"
        return bool(self.reason)
