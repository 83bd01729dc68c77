from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.agents.tools import list_files
from orket_pipelines.agents.tools.list_files import LIST_FILES
from orket_pipelines.agents.tools.model import ToolResult

Call = Callable[..., ToolResult]


def test_files_folders_and_links_are_told_apart(call: Call, checkout: Path) -> None:
    (checkout / "src").mkdir()
    (checkout / "src/a.py").write_text("12345")
    (checkout / "link").symlink_to("/etc")
    assert call(LIST_FILES) == ToolResult("link  (link, not followed)\nsrc/\nsrc/a.py  5 bytes")


def test_an_empty_checkout_says_so(call: Call) -> None:
    assert call(LIST_FILES) == ToolResult("(nothing)")


def test_a_cut_listing_says_so(call: Call, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_files, "LIMIT", 20)
    (checkout / "a/b").mkdir(parents=True)
    (checkout / "a/b/c").touch()
    assert call(LIST_FILES, depth=1).text.startswith("a/\n[There is more: ")
    for number in range(20):
        (checkout / f"x{number}").touch()
    text = call(LIST_FILES).text
    assert len(text.splitlines()) == 21
    assert text.endswith("folders deep. Name a folder.]")
