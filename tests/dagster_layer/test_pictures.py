"""The picture of a browser beside the results of its suite."""

import base64
import hashlib
import struct
from pathlib import Path
from typing import Any

import pytest

from assets.history import History, follow
from assets.model import Made, Report
from assets.pictures import illustrated, pictures_of
from assets.reports import standing
from orket_pipelines.store import Event

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 1280, 800)
"""As much of a picture as is looked at."""
LARGE = PNG + bytes(200_000)
DIGESTS = {
    "light.png": hashlib.sha256(PNG).hexdigest(),
    "small.png": hashlib.sha256(PNG).hexdigest(),
    "large.png": hashlib.sha256(LARGE).hexdigest(),
}


def suite_ended(suite: str, *names: str, passed: bool = True, **about: str) -> Event:
    """A suite ended and left these files."""
    left = [
        {
            "name": name,
            "media_type": "image/png",
            "path": f"artifacts/{name}",
            "size": 1,
            "sha256": DIGESTS.get(name, ""),
        }
        for name in names
    ]
    told: dict[str, Any] = {"suite": suite, "kind": "e2e", "purpose": "sandbox", "commit": "c0ffee", "counts": {}}
    payload = told | about | {"passed": passed, "artifacts": left}
    return Event(1, "e1", "default", "tests.finished", 1, 0, "system", None, None, "cart", payload)


def history_of(*events: Event) -> History:
    """An issue whose own tests passed, and what came then."""
    history = follow(History("cart"), suite_ended("project", kind="project", purpose="head"))
    for event in events:
        history = follow(history, event)
    return history


def keep(home: Path, name: str, content: bytes = PNG) -> None:
    (home / "artifacts").mkdir(exist_ok=True)
    (home / "artifacts" / name).write_bytes(content)


def picture(history: History, home: Path) -> str | None:
    """What is shown as the picture of the tests; nothing else may have one."""
    reports: list[Report] = illustrated(standing(history), history, home)
    shown = {report.asset: report.metadata.get("picture") for report in reports if isinstance(report, Made)}
    found = shown.pop("test_reports")
    assert set(shown.values()) == {None}
    return None if found is None else str(found.value)  # type: ignore[union-attr]


def test_the_tests_of_an_issue_show_the_picture_that_its_browser_left(tmp_path: Path) -> None:
    keep(tmp_path, "light.png")
    shown = picture(history_of(suite_ended("page", "light.png")), tmp_path)
    data = base64.b64encode(PNG).decode()
    assert shown == f"![light.png, taken by the suite page](data:image/png;base64,{data})"


def test_a_picture_that_is_gone_or_too_large_gives_way_to_the_next(tmp_path: Path) -> None:
    keep(tmp_path, "large.png", LARGE)
    keep(tmp_path, "small.png")
    shown = picture(history_of(suite_ended("page", "gone.png", "large.png", "small.png")), tmp_path)
    assert shown is not None
    assert shown.startswith("![small.png,")


@pytest.mark.parametrize("left", [(), ("gone.png",)])
def test_without_a_picture_the_report_is_as_it_was(tmp_path: Path, left: tuple[str, ...]) -> None:
    assert picture(history_of(suite_ended("page", *left)), tmp_path) is None


def test_of_all_pictures_that_of_a_failure_comes_first_then_what_was_taken_on_purpose() -> None:
    history = history_of(
        suite_ended("edit", "test_edit-failed.png", "before.png", passed=False),
        suite_ended("look", "test_look.png", "all.png"),
        suite_ended("list", "list.png"),
    )
    names = [found["name"] for found in pictures_of(history)]
    assert names == ["test_edit-failed.png", "before.png", "list.png", "all.png", "test_look.png"]
