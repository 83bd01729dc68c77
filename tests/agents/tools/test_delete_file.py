from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.agents.tools.delete_file import DELETE_FILE
from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.workbench.paths import FileRefused

Call = Callable[..., ToolResult]


def test_a_file_is_deleted(call: Call, checkout: Path) -> None:
    (checkout / "a").touch()
    assert call(DELETE_FILE, path="a", confirm=True) == ToolResult("Deleted a.")
    assert not (checkout / "a").exists()


def test_a_folder_and_a_missing_file_are_refused(call: Call, checkout: Path) -> None:
    (checkout / "folder").mkdir()
    for path in ("folder", "missing"):
        with pytest.raises(FileRefused):
            call(DELETE_FILE, path=path, confirm=True)
