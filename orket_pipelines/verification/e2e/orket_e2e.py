"""Fixtures for end-to-end suites, loaded by pytest where the browser runs, with nothing of the factory beside them.

A test gets `page`, `base_url`, `urls` and `screenshot(name)`. It fails where the page reported an error that it did not
allow: on the console, uncaught, or as a request to the application that failed. What is to be seen is left in the
folder E2E_ARTIFACTS: a screenshot at the end of each test, a video where ffmpeg is there, a trace of the first failure.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import playwright
import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, Response, sync_playwright

PATIENCE = 10_000
"""Milliseconds that an action or expectation of the page may take."""
SETTLING = 100
"""Milliseconds for what the page still has to say when a test is over."""
VIEWPORT = {"width": 1280, "height": 800}
VIDEO = {"width": 800, "height": 500}
PROBLEMS = 20
LENGTH = 500
"""Characters of one problem."""

_visit = pytest.StashKey["Visit"]()
_traced = pytest.StashKey[bool]()
_films = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "allow_errors(*patterns): errors of the page that match one, or any without patterns, are expected"
    )
    config.stash[_traced] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail the test where its page reported errors; leave its last screenshot either way."""
    try:
        yield
    except pytest.skip.Exception:
        raise
    except BaseException:
        if _visit in item.stash:
            item.stash[_visit].end(failed=True)
        raise
    if _visit not in item.stash:
        return
    visit = item.stash[_visit]
    visit.settle()
    unexpected = visit.unexpected(item.get_closest_marker("allow_errors"))
    visit.end(failed=bool(unexpected))
    if unexpected:
        pytest.fail("the page reported errors:\n" + "\n".join(unexpected), pytrace=False)


@pytest.fixture(scope="session")
def urls() -> dict[str, str]:
    """The address of every service, by its name."""
    found: dict[str, str] = json.loads(os.environ["E2E_URLS"])
    return found


@pytest.fixture(scope="session")
def base_url() -> str:
    """The address that people open."""
    return os.environ["E2E_BASE_URL"]


@pytest.fixture
def page(request: pytest.FixtureRequest, _browser: Browser, base_url: str, urls: dict[str, str]) -> Iterator[Page]:
    """A page in a browser profile of the test's own; `page.goto("/")` opens the application."""
    visit = Visit(_browser, base_url, urls, request.node)
    request.node.stash[_visit] = visit
    yield visit.page
    visit.close()


@pytest.fixture
def screenshot(page: Page) -> Callable[[str], None]:
    """Take a picture of the page as it is now."""

    def take(name: str) -> None:
        page.screenshot(path=_free_path(name, ".png"))

    return take


@pytest.fixture(scope="session")
def _browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    _offer_node()
    request.config.stash[_films] = _offer_ffmpeg()
    with sync_playwright() as started:
        chromium = os.environ.get("E2E_CHROMIUM") or None
        browser = started.chromium.launch(executable_path=chromium, args=json.loads(os.environ["E2E_FLAGS"]))
        yield browser
        browser.close()


class Visit:
    """One test's page, and what went wrong on it."""

    def __init__(self, browser: Browser, base_url: str, urls: dict[str, str], item: pytest.Item) -> None:
        self._item = item
        self._origins = {_origin(url) for url in [base_url, *urls.values()]}
        self._problems: list[str] = []
        self._videos = Path(tempfile.mkdtemp())
        options: dict[str, Any] = {"base_url": base_url, "viewport": VIEWPORT}
        if item.config.stash[_films]:
            options |= {"record_video_dir": self._videos, "record_video_size": VIDEO}
        self._context: BrowserContext = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE)
        self._listen()
        self._tracing = not item.config.stash[_traced]
        if self._tracing:
            self._context.tracing.start(screenshots=True, snapshots=True)
        self.page = self._context.new_page()

    def settle(self) -> None:
        """Give the page a moment to report what it has begun."""
        with contextlib.suppress(Error):
            self.page.wait_for_timeout(SETTLING)

    def unexpected(self, allowed: pytest.Mark | None) -> list[str]:
        """The problems that the test does not allow."""
        if allowed is None:
            return self._problems
        patterns = allowed.args or (".",)
        return [each for each in self._problems if not any(re.search(pattern, each) for pattern in patterns)]

    def end(self, *, failed: bool) -> None:
        """Take the last picture, and the trace of the first failure."""
        # The page may have crashed, or the test closed it.
        with contextlib.suppress(Error):
            self.page.screenshot(path=_free_path(self._item.name + ("-failed" if failed else ""), ".png"))
        if failed and self._tracing:
            with contextlib.suppress(Error):
                self._context.tracing.stop(path=_free_path(f"{self._item.name}-trace", ".zip"))
            self._tracing = False
            self._item.config.stash[_traced] = True

    def close(self) -> None:
        """Close the profile, and keep the video."""
        video = self.page.video
        with contextlib.suppress(Error):
            self._context.close()
            if video is not None:
                video.save_as(_free_path(self._item.name, ".webm"))
        shutil.rmtree(self._videos, ignore_errors=True)

    def _listen(self) -> None:
        self._context.on("console", self._on_console)
        self._context.on("weberror", lambda error: self._report(f"uncaught: {error.error}"))
        self._context.on("response", self._on_response)
        self._context.on("requestfailed", self._on_request_failed)

    def _on_console(self, message: ConsoleMessage) -> None:
        where = str(message.location.get("url", ""))
        not_loaded = message.text.startswith("Failed to load")
        # That a request to the application failed is told by the request itself.
        if message.type == "error" and not (not_loaded and self._is_ours(where)):
            self._report(f"console: {message.text} ({where})" if not_loaded else f"console: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400 and self._is_ours(response.url):  # noqa: PLR2004 - the first status of an error
            self._report(f"{response.request.method} {response.url} answered {response.status}")

    def _on_request_failed(self, request: Request) -> None:
        # A page that is left or reloaded gives up what it was loading.
        if self._is_ours(request.url) and request.failure != "net::ERR_ABORTED":
            self._report(f"{request.method} {request.url} failed: {request.failure}")

    def _is_ours(self, url: str) -> bool:
        return _origin(url) in self._origins

    def _report(self, problem: str) -> None:
        # Browsers ask for this one by themselves.
        if len(self._problems) < PROBLEMS and "/favicon.ico" not in problem:
            self._problems.append(problem[:LENGTH])


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _free_path(name: str, suffix: str) -> Path:
    """A path in the folder of artifacts that nothing has yet."""
    stem = re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:80] or "unnamed"
    folder = Path(os.environ["E2E_ARTIFACTS"])
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path


def _offer_node() -> None:
    """Have the system's Node drive the browser where Playwright's own cannot start: it wants a library (libatomic) that
    slim images lack."""
    own = Path(playwright.__file__).parent / "driver/node"
    found = shutil.which("node")
    if found is not None and subprocess.run([own, "--version"], capture_output=True, check=False).returncode != 0:
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = found


def _offer_ffmpeg() -> bool:
    """Whether there will be videos. Playwright makes them with an ffmpeg of its own, which is not there beside the
    system's Chromium: the system's ffmpeg is shown to it in that place."""
    if not os.environ.get("E2E_CHROMIUM"):
        return True
    found = shutil.which("ffmpeg")
    if found is None or not sys.platform.startswith("linux"):
        return False
    browsers = json.loads((Path(playwright.__file__).parent / "driver/package/browsers.json").read_text())
    revision = next(each["revision"] for each in browsers["browsers"] if each["name"] == "ffmpeg")
    folder = Path(tempfile.mkdtemp()) / f"ffmpeg-{revision}"
    folder.mkdir()
    (folder / "ffmpeg-linux").symlink_to(found)
    os.environ["PLAYWRIGHT_BROWSERS_PATH"] = str(folder.parent)
    return True
