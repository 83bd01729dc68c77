"""End-to-end suites as processes of this machine: bounded, cleaned up after, and not isolated."""

import importlib.util
import os
import shutil
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.git.folders import remove
from orket_pipelines.settings import Settings
from orket_pipelines.verification.browser_runs import Bench, command, conclude, environment, lay_out
from orket_pipelines.verification.model import Suite, SuiteKind, SuiteReport, Target
from orket_pipelines.workbench.process import Limits, ProcessWorkbenches

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = {SuiteKind.OPENAPI: ("pytest", "schemathesis")}
BROWSER_PACKAGES = ("pytest", "playwright", "axe_playwright_python")
LIMITS = Limits(address_space=2**47, file_size=64 * 1024**2)
"""Chromium reserves a terabyte of addresses for a script engine and uses next to nothing of it."""


class ProcessBrowsers:
    """Runs end-to-end suites with the factory's own Python, pytest and Playwright."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._workbenches = ProcessWorkbenches(limits=LIMITS)

    def preflight(self) -> tuple[str, ...]:
        """What is missing on this machine, each with what to install; empty where suites can run."""
        told = _missing(BROWSER_PACKAGES)
        set_to = self._settings.browser
        if set_to is not None and not os.access(set_to, os.X_OK):
            told.append(f"the setting browser names {set_to}, which cannot be run: correct ORKET_BROWSER")
        elif set_to is None and _on_path() is None and not _has_playwrights_own():
            told.append("no Chromium: apt install chromium, or playwright install chromium, or set ORKET_BROWSER")
        return tuple(told)

    def run(self, suite: Suite, target: Target, *, folder: Path, deadline: float, stop: threading.Event) -> SuiteReport:
        """Run the suite as the port says; its processes and folders are gone when this returns."""
        own = PACKAGES.get(suite.kind)
        if missing := tuple(_missing(own)) if own is not None else self.preflight():
            raise WorkbenchError(f"suite {suite.name} cannot be run: {'; '.join(missing)}", next_step="orket doctor")
        if target.front not in target.urls:
            raise WorkbenchError(f"sandbox {target.sandbox_id} serves no {target.front!r}, which the suite should open")
        bench = lay_out(self._settings.home, folder, suite)
        workbench = self._workbenches.open(bench.suite, name=suite.name, stop=stop)
        try:
            words = command(suite, python=sys.executable, suite_folder=str(bench.suite), out=str(bench.out))
            # Chromium's socket lies in there, and the path of a socket must be short; ORKET_HOME may be anywhere.
            with TemporaryDirectory(prefix="orket-", ignore_cleanup_errors=True) as temporary:
                told = self._environment(target, bench) | {"TMPDIR": temporary}
                done = workbench.run(words, deadline=deadline, environment=told)
            stopped = f"the suite did not end within {deadline:g} seconds and was stopped" if done.timed_out else ""
            return conclude(suite, bench, folder, exit_code=done.exit_code, log=done.output, stopped=stopped)
        finally:
            workbench.close()
            remove(bench.root)

    def close(self) -> None:
        """End the supervisor process; a later run starts another."""
        self._workbenches.close()

    def _environment(self, target: Target, bench: Bench) -> dict[str, str]:
        found = self._settings.browser or _on_path()
        seen = {"suite_folder": str(bench.suite), "out": str(bench.out), "key": bench.key}
        seen["impact"] = self._settings.accessibility
        if found is not None:
            return environment(target.urls, target.front, chromium=str(found), **seen)
        own = {"PLAYWRIGHT_BROWSERS_PATH": str(_playwrights_own())}
        return environment(target.urls, target.front, chromium=None, **seen) | own


def _missing(packages: Iterable[str]) -> list[str]:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    fix = "missing beside the factory: pip install 'orket-pipelines[example]'"
    return [f"{' and '.join(missing)} {fix}"] if missing else []


def _on_path() -> Path | None:
    return next((Path(found) for found in map(shutil.which, NAMES) if found is not None), None)


def _playwrights_own() -> Path:
    """Where `playwright install` puts browsers, as its documentation says."""
    told = os.environ.get("PLAYWRIGHT_BROWSERS_PATH")
    if told:
        return Path(told)
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "ms-playwright"


def _has_playwrights_own() -> bool:
    return any(_playwrights_own().glob("chromium*-*/"))
