from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.agents.tools.write_file import WRITE_FILE
from orket_pipelines.workbench.paths import FileRefused

Call = Callable[..., ToolResult]


def test_a_new_file_is_created_with_its_folders(call: Call, checkout: Path) -> None:
    assert call(WRITE_FILE, path="src/a.py", content="x = 'ä'\n") == ToolResult("Created src/a.py: 1 lines.")
    assert (checkout / "src/a.py").read_bytes() == "x = 'ä'\n".encode()


def test_an_old_file_is_replaced(call: Call, checkout: Path) -> None:
    (checkout / "a").write_text("old")
    assert call(WRITE_FILE, path="a", content="") == ToolResult("Replaced a: 0 lines.")
    assert (checkout / "a").read_text() == ""


def test_line_ends_are_written_as_given(call: Call, checkout: Path) -> None:
    call(WRITE_FILE, path="a", content="one\r\ntwo\n")
    assert (checkout / "a").read_bytes() == b"one\r\ntwo\n"


def test_a_link_is_not_written_through(call: Call, checkout: Path, tmp_path: Path) -> None:
    (checkout / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(FileRefused, match="symbolic link"):
        call(WRITE_FILE, path="link", content="owned")
    assert not (tmp_path / "outside").exists()
