from collections.abc import Callable
from pathlib import Path

from orket_pipelines.agents.tools.edit_file import EDIT_FILE
from orket_pipelines.agents.tools.model import ToolResult

Call = Callable[..., ToolResult]
CODE = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    return a - b\n"


def test_a_passage_that_occurs_once_is_replaced(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text(CODE)
    assert call(EDIT_FILE, path="a.py", old="a - b", new="a - b  # less") == ToolResult("Changed a.py at line 6.")
    assert (checkout / "a.py").read_text() == CODE.replace("a - b", "a - b  # less")


def test_a_passage_that_occurs_twice_changes_nothing_and_says_where(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text(CODE)
    result = call(EDIT_FILE, path="a.py", old="(a, b):", new="():")
    assert result.failed
    assert result.text == (
        "old occurs 2 times in a.py, at lines 1, 5: include more lines around it. Nothing was changed."
    )
    assert (checkout / "a.py").read_text() == CODE


def test_a_passage_that_differs_in_white_space_is_pointed_at(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text(CODE)
    result = call(EDIT_FILE, path="a.py", old="  return a - b", new="x")
    assert not result.failed
    result = call(EDIT_FILE, path="a.py", old="\treturn a + b\n", new="x")
    assert result.text == (
        "old does not occur in a.py. The nearest is line 2: '    return a + b'. Nothing was changed."
    )


def test_a_similar_line_is_pointed_at(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text(CODE)
    result = call(EDIT_FILE, path="a.py", old="def subtract(a, b):", new="x")
    assert "The nearest is line 5: 'def sub(a, b):'" in result.text


def test_a_passage_unlike_anything_is_just_not_there(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text(CODE)
    result = call(EDIT_FILE, path="a.py", old="zzzzzzzzzzzz", new="x")
    assert result.text == "old does not occur in a.py: read the file first. Nothing was changed."
    assert call(EDIT_FILE, path="a.py", old="\n\n\n\n\n", new="x").failed


def test_a_change_that_changes_nothing_is_a_mistake(call: Call, checkout: Path) -> None:
    (checkout / "a.py").write_text(CODE)
    assert call(EDIT_FILE, path="a.py", old="sub", new="sub").failed


def test_what_is_not_text_stays_as_it_is(call: Call, checkout: Path) -> None:
    (checkout / "a.bin").write_bytes(b"\xff")
    assert call(EDIT_FILE, path="a.bin", old="x", new="y").failed
    assert (checkout / "a.bin").read_bytes() == b"\xff"


def test_many_matches_name_the_first_ten(call: Call, checkout: Path) -> None:
    (checkout / "a.txt").write_text("x\n" * 50)
    result = call(EDIT_FILE, path="a.txt", old="x", new="y")
    assert "occurs 50 times in a.txt, at lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more" in result.text
