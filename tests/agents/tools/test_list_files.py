from collections.abc import Callable
from pathlib import Path

from orket_pipelines.agents.tools.list_files import LIMIT, LIST_FILES
from orket_pipelines.agents.tools.model import ToolResult

Call = Callable[..., ToolResult]


def test_files_folders_and_links_are_told_apart(call: Call, checkout: Path) -> None:
    (checkout / "src").mkdir()
    (checkout / "src/a.py").write_text("12345")
    (checkout / "link").symlink_to("/etc")
    assert call(LIST_FILES) == ToolResult("link  (link, not followed)\nsrc/\nsrc/a.py  5 bytes")


def test_an_empty_checkout_says_so(call: Call) -> None:
    assert call(LIST_FILES) == ToolResult("(nothing)")


def test_a_cut_listing_says_so(call: Call, checkout: Path) -> None:
    (checkout / "a/b").mkdir(parents=True)
    (checkout / "a/b/c").touch()
    assert call(LIST_FILES, depth=1).text.startswith("a/\n[There is more: ")
    for number in range(LIMIT):
        (checkout / f"x{number}").touch()
    text = call(LIST_FILES).text
    assert len(text.splitlines()) == LIMIT + 1
    assert text.endswith("folders deep. Name a folder.]")
