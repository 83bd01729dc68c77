from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.agents.tools.read_file import READ_FILE
from orket_pipelines.workbench.paths import FileRefused

Call = Callable[..., ToolResult]


def test_a_short_file_is_read_whole(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text("one\ntwo\n")
    assert call(READ_FILE, path="a.py") == ToolResult("a.py: lines 1-2 of 2\none\ntwo")


def test_a_part_says_how_to_get_the_rest(call: Call, checkout: Path) -> None:
    (checkout / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 1001)))
    text = call(READ_FILE, path="a.txt", start_line=10, line_count=2).text
    assert text == "a.txt: lines 10-11 of 1000\nline 10\nline 11\n[989 more lines: call read_file with start_line=12.]"


def test_long_lines_make_the_part_shorter(call: Call, checkout: Path) -> None:
    (checkout / "a.txt").write_text(("x" * 1_000 + "\n") * 400)
    text = call(READ_FILE, path="a.txt").text
    assert len(text) < 41_000
    assert text.startswith("a.txt: lines 1-25 of 400\n")
    assert text.endswith("[375 more lines: call read_file with start_line=26.]")


def test_one_endless_line_is_cut_and_says_so(call: Call, checkout: Path) -> None:
    (checkout / "a.min.js").write_text("x" * 100_000)
    text = call(READ_FILE, path="a.min.js").text
    assert len(text) < 41_000
    assert "This line is cut: it has 100000 characters" in text


def test_an_empty_file_is_empty(call: Call, checkout: Path) -> None:
    (checkout / "a").touch()
    assert call(READ_FILE, path="a") == ToolResult("a: empty\n")


def test_a_line_past_the_end_is_a_mistake(call: Call, checkout: Path) -> None:
    (checkout / "a").write_text("one\n")
    assert call(READ_FILE, path="a", start_line=2) == ToolResult("a has 1 lines; there is no line 2.", failed=True)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b"])
def test_what_is_not_text_is_not_shown(call: Call, checkout: Path, content: bytes) -> None:
    (checkout / "a.bin").write_bytes(content)
    result = call(READ_FILE, path="a.bin")
    assert result.failed
    assert "is not text" in result.text


def test_a_missing_file_is_refused_in_words(call: Call) -> None:
    with pytest.raises(FileRefused, match="No such file"):
        call(READ_FILE, path="a")


def test_line_ends_stay_as_they_are(call: Call, checkout: Path) -> None:
    (checkout / "a").write_bytes(b"one\r\ntwo\x0cthree\r\n")
    assert call(READ_FILE, path="a").text == "a: lines 1-2 of 2\none\r\ntwo\x0cthree\r"
