"""A process that swaps a file and a folder for links to outside, again and again, while tools work on them."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.tools.delete_file import DELETE_FILE
from orket_pipelines.agents.tools.edit_file import EDIT_FILE
from orket_pipelines.agents.tools.list_files import LIST_FILES
from orket_pipelines.agents.tools.model import Tool, ToolResult
from orket_pipelines.agents.tools.read_file import READ_FILE
from orket_pipelines.agents.tools.search import SEARCH
from orket_pipelines.agents.tools.write_file import WRITE_FILE
from orket_pipelines.workbench.paths import FileRefused

pytestmark = pytest.mark.slow

SECONDS = 2.5
SWAPS = """
import os, shutil, sys
outside = sys.argv[1]

def put(name):
    try:
        os.rename("next", name)
    except OSError:
        pass

while True:
    os.symlink(outside + "/secret", "next")
    put("file")
    with open("next", "w") as file:
        file.write("inside")
    put("file")
    try:
        os.rename("folder", "aside")
        os.symlink(outside, "folder")
        os.unlink("folder")
        os.rename("aside", "folder")
    except OSError:
        # A tool has made the folder anew meanwhile.
        shutil.rmtree("aside", ignore_errors=True)
"""
Call = Callable[..., ToolResult]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_text("canary")
    return folder


@pytest.fixture
def swapping(checkout: Path, outside: Path) -> Iterator[None]:
    """`file` and `folder` of the checkout are what they seem, and links to outside, in turn."""
    (checkout / "file").write_text("inside")
    (checkout / "folder").mkdir()
    (checkout / "folder" / "secret").write_text("inside")
    attacker = subprocess.Popen([sys.executable, "-c", SWAPS, str(outside)], cwd=checkout)
    yield
    attacker.kill()
    attacker.wait()


CALLS: list[tuple[Tool, dict[str, Any]]] = [
    (READ_FILE, {"path": "file"}),
    (READ_FILE, {"path": "folder/secret"}),
    (WRITE_FILE, {"path": "file", "content": "inside"}),
    (WRITE_FILE, {"path": "folder/secret", "content": "inside"}),
    (EDIT_FILE, {"path": "file", "old": "inside", "new": "inside!"}),
    (EDIT_FILE, {"path": "folder/secret", "old": "canary", "new": "taken"}),
    (DELETE_FILE, {"path": "folder/secret", "confirm": True}),
    (LIST_FILES, {}),
    (LIST_FILES, {"path": "folder"}),
    (SEARCH, {"pattern": "^[a-z]"}),
    (SEARCH, {"pattern": "^[a-z]", "path": "folder"}),
    (SEARCH, {"pattern": "^[a-z]", "path": "file"}),
]


@pytest.mark.usefixtures("swapping")
def test_nothing_outside_is_read_or_written_while_links_are_swapped_in(call: Call, outside: Path) -> None:
    told: list[str] = []
    give_up = time.monotonic() + SECONDS
    while time.monotonic() < give_up:
        for tool, arguments in CALLS:
            with suppress(FileRefused):
                told.append(call(tool, **arguments).text)
    assert any("inside" in text for text in told)
    assert not any("canary" in text for text in told)
    assert (outside / "secret").read_text() == "canary"
    assert [path.name for path in outside.iterdir()] == ["secret"]
