"""Browsers as processes of this machine; a suite is one of its own, so that Playwright's loop stays out."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.settings import Settings
from orket_pipelines.verification import Suite, SuiteKind, Target
from orket_pipelines.verification.artifacts import PNG
from orket_pipelines.verification.process_browsers import ProcessBrowsers
from tests.verification import pages
from tests.verification.conftest import Service, text

TARGET = Target("sandbox", "web", {"web": "http://127.0.0.1:9"})


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without any Chromium."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "none"))


def test_a_machine_without_a_browser_is_told_what_to_install(bare: None, tmp_path: Path) -> None:
    browsers = ProcessBrowsers(Settings(home=tmp_path))
    assert browsers.preflight() == (
        "no Chromium: apt install chromium, or playwright install chromium, or set ORKET_BROWSER",
    )
    suite = Suite("page", SuiteKind.E2E, "def test_page(page): ...")
    with pytest.raises(WorkbenchError, match="suite page cannot be run: no Chromium"):
        browsers.run(suite, TARGET, folder=tmp_path / "run", deadline=5, stop=threading.Event())
    assert not (tmp_path / "verification").exists()


def test_a_browser_that_the_settings_name_has_to_be_there(bare: None, tmp_path: Path) -> None:
    missing, there = tmp_path / "missing", tmp_path / "chromium"
    there.touch(mode=0o755)
    told = f"the setting browser names {missing}, which cannot be run: correct ORKET_BROWSER"
    assert ProcessBrowsers(Settings(home=tmp_path, browser=missing)).preflight() == (told,)
    assert ProcessBrowsers(Settings(home=tmp_path, browser=there)).preflight() == ()


@pytest.mark.browser
def test_a_real_page_is_driven(service: Service, tmp_path: Path, require: Callable[[str, bool, str], None]) -> None:
    service.answers = {"GET /": text(pages.GOOD), "GET /bad": text(pages.BAD)}
    browsers = ProcessBrowsers(Settings(home=tmp_path))
    require("browser", browsers.preflight() == (), "; ".join(browsers.preflight()))
    suite = Suite("page", SuiteKind.E2E, pages.SUITE)

    folder = tmp_path / "artifacts" / "run"
    report = browsers.run(suite, service.target, folder=folder, deadline=60, stop=threading.Event())
    browsers.close()

    assert {case.name: case.outcome for case in report.cases} == pages.CASES, report.log
    assert (report.passed, report.exit_code, report.counts) == (False, 1, {"passed": 3, "failed": 1})
    failed = next(case.message for case in report.cases if case.outcome == "failed")
    assert f"GET {service.url}/gone.png answered 404" in failed
    assert "console: the list is broken" in failed
    assert "uncaught: nobody caught it" in failed
    assert {artifact.name for artifact in report.artifacts if artifact.media_type != "video/webm"} == pages.ARTIFACTS
    [picture] = [artifact.path for artifact in report.artifacts if artifact.name == "first-view.png"]
    assert (picture.parent, picture.read_bytes()[: len(PNG)]) == (folder, PNG)
    assert list((tmp_path / "verification").iterdir()) == []
