"""The suites that the factory brings itself: the smoke pass, and a service tried by its own description."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.settings import Settings
from orket_pipelines.verification import Suite, SuiteReport
from orket_pipelines.verification.process_browsers import ProcessBrowsers
from orket_pipelines.verification.suites import OPENAPI, SMOKE
from tests.verification.conftest import Service, answer, text

pytestmark = pytest.mark.slow

GOOD = """<!doctype html><html lang=en><title>List</title><h1>To do</h1><img src=/dot.svg alt="a dot">
<label>New task <input></label><button>Add</button><a href="/more" aria-label="more"></a>"""
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'
RENDERS, ACCESSIBLE = "smoke.test_the_page_renders", "smoke.test_everybody_can_use_the_page"
BAD = {
    "blank": (
        "<!doctype html><html lang=en><title>List</title><div id=root></div>",
        {RENDERS: "the page is blank: after 5 s there is no text and nothing to see"},
    ),
    "console": (
        GOOD + "<script>console.error('no tasks'); fetch('/api/tasks')</script>",
        {RENDERS: "console: no tasks\nGET {url}/api/tasks answered 404"},
    ),
}
NOT_FOR_EVERYBODY = """<!doctype html><h1>To do</h1><img src=/dot.svg><input><button></button>
<p style="color:#ddd">hardly there</p>"""
GRAVE = [
    "critical: Buttons must have discernible text (button-name): <button></button>",
    'critical: Images must have alternative text (image-alt): <img src="/dot.svg">',
    "critical: Form elements must have labels (label): <input>",
    "serious: Documents must have <title> element to aid in navigation (document-title): <html>",
    "serious: <html> element must have a lang attribute (html-has-lang): <html>",
    'ratio thresholds (color-contrast): <p style="color:#ddd">hardly there</p>',
]


def run(
    suite: Suite, service: Service, home: Path, require: Callable[[str, bool, str], None], **settings: Any
) -> SuiteReport:
    browsers = ProcessBrowsers(Settings(home=home, **settings))
    require("browser", browsers.preflight() == (), "; ".join(browsers.preflight()))
    try:
        folder = home / "artifacts" / "run"
        return browsers.run(suite, service.target, folder=folder, deadline=60, stop=threading.Event())
    finally:
        browsers.close()


@pytest.mark.browser
def test_a_page_that_renders_and_can_be_used_passes_with_a_picture(
    service: Service, tmp_path: Path, require: Callable[[str, bool, str], None]
) -> None:
    service.answers = {"GET /": text(GOOD), "GET /dot.svg": (200, {"content-type": "image/svg+xml"}, DOT.encode())}
    report = run(SMOKE, service, tmp_path, require)
    assert report.passed, report.log
    assert {artifact.name for artifact in report.artifacts} >= {"test_the_page_renders.png", "junit.xml"}


@pytest.mark.browser
def test_a_page_that_not_everybody_can_use_says_what_axe_finds(
    service: Service, tmp_path: Path, require: Callable[[str, bool, str], None]
) -> None:
    image = {"content-type": "image/svg+xml"}
    service.answers = {"GET /": text(NOT_FOR_EVERYBODY), "GET /dot.svg": (200, image, DOT.encode())}
    report = run(SMOKE, service, tmp_path, require)
    [case] = [case for case in report.cases if case.outcome == "failed"]
    assert case.name == ACCESSIBLE
    assert case.message.startswith("Failed: not everybody can use the page:\n")
    assert [line for line in GRAVE if line.rstrip(">") not in case.message] == []
    assert "moderate" not in case.message


@pytest.mark.browser
def test_what_axe_finds_below_the_grade_that_is_set_is_told_and_fails_nothing(
    service: Service, tmp_path: Path, require: Callable[[str, bool, str], None]
) -> None:
    service.answers = {"GET /": text("<!doctype html><title>List</title><p>no language, no heading")}
    report = run(SMOKE, service, tmp_path, require, accessibility="critical")
    assert report.passed
    assert "moderate: Page should contain a level-one heading (page-has-heading-one): <html" in report.log
    assert "serious: <html> element must have a lang attribute (html-has-lang): <html" in report.log


@pytest.mark.browser
@pytest.mark.parametrize("kind", BAD)
def test_a_page_that_does_not_says_why(
    kind: str, service: Service, tmp_path: Path, require: Callable[[str, bool, str], None]
) -> None:
    page, causes = BAD[kind]
    service.answers = {"GET /": text(page), "GET /dot.svg": (200, {"content-type": "image/svg+xml"}, DOT.encode())}
    report = run(SMOKE, service, tmp_path, require)
    failed = {case.name: case.message for case in report.cases if case.outcome == "failed"}
    assert failed.keys() == causes.keys(), report.log
    for name, cause in causes.items():
        assert cause.format(url=service.url) in failed[name]


def described(folder: Path, **urls: str) -> tuple[int, str]:
    """What the pass over an OpenAPI document comes to, run as it is where it runs: exit code and output."""
    folder.joinpath("openapi.py").write_text(OPENAPI.source)
    folder.joinpath("pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-c", "pytest.ini", "--import-mode=importlib", "openapi.py"]
    told = {"E2E_URLS": json.dumps(urls), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider"],
        cwd=folder,
        env=os.environ | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_service_is_tried_by_its_own_description(service: Service, tmp_path: Path) -> None:
    operations = {
        "/good": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "object"}}}}}}},
        "/liar": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {"type": "array"}}}}}}},
        "/bad": {"get": {"responses": {"200": {"description": "fine"}}}},
    }
    for methods in operations.values():
        methods["get"]["responses"]["200"]["description"] = "fine"  # type: ignore[index]
    document = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "paths": operations}
    service.answers = {
        "GET /openapi.json": answer(document),
        "GET /good": answer({"a": 1}),
        "GET /liar": answer({"a": 1}),
        "GET /bad": answer({"detail": "oops"}, 500),
    }
    outside, nonsense = {"$ref": "http://127.0.0.1:9/a.json"}, {"openapi": "nonsense", "paths": []}
    service.answers["GET /out/openapi.json"] = answer({"openapi": "3.1.0", "paths": {"/a": outside}})
    service.answers["GET /odd/openapi.json"] = answer(nonsense)
    urls = {"api": service.url, "out": f"{service.url}/out", "odd": f"{service.url}/odd"}
    exit_code, output = described(tmp_path, **urls)
    assert exit_code == 1
    assert "4 failed, 2 passed" in output
    assert "Server error" in output
    assert "Response violates schema" in output
    assert "the OpenAPI document of out refers to something outside itself" in output
    assert "the OpenAPI document of odd cannot be used" in output


def test_without_a_description_nothing_is_proven(service: Service, tmp_path: Path) -> None:
    exit_code, output = described(tmp_path, api=service.url)
    assert exit_code == 1
    assert "no service has an OpenAPI document; looked for /openapi.json, " in output
