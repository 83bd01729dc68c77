from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.tools import search
from orket_pipelines.agents.tools.model import Desk, ToolResult
from orket_pipelines.agents.tools.search import SEARCH, Search
from orket_pipelines.workbench.fake import MemoryWorkbenches, ended
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.paths import FileRefused

Call = Callable[..., ToolResult]


@pytest.fixture(autouse=True)
def _files(checkout: Path) -> None:
    (checkout / "src").mkdir()
    (checkout / "src/a.py").write_text("x = 1\ny = 22\n")
    (checkout / "src/b.txt").write_text("y = 333\n")
    (checkout / ".git").mkdir()
    (checkout / ".git/config").write_text("y = 4444\n")
    (checkout / "a.bin").write_bytes(b"y = 5\0")


def test_matching_lines_come_with_path_and_number(call: Call) -> None:
    assert sorted(call(SEARCH, pattern=r"y = \d+").text.splitlines()) == ["src/a.py:2:y = 22", "src/b.txt:1:y = 333"]


def test_a_path_and_a_glob_narrow_the_search(call: Call) -> None:
    assert call(SEARCH, pattern="y", glob="*.py").text == "src/a.py:2:y = 22"
    assert call(SEARCH, pattern="y", path="src/b.txt").text == "src/b.txt:1:y = 333"
    assert call(SEARCH, pattern="y", path="./src/").text.count("\n") == 1


def test_nothing_found_is_an_answer(call: Call) -> None:
    told = "Nothing matches 'zzz'."
    assert call(SEARCH, pattern="zzz") == ToolResult(f"{told} Ignored files were left out: include_ignored.")
    assert call(SEARCH, pattern="zzz", include_ignored=True) == ToolResult(told)


def test_a_glob_may_name_folders_or_leave_files_out(call: Call, checkout: Path) -> None:
    (checkout / "we[ird").mkdir()
    (checkout / "we[ird/c.py").write_text("y = 5\n")
    assert call(SEARCH, pattern="y", glob="src/**/*.txt").text == "src/b.txt:1:y = 333"
    assert call(SEARCH, pattern="y", path="we[ird", glob="*.py").text == "we[ird/c.py:1:y = 5"
    assert "a.py" not in call(SEARCH, pattern="y", glob="!*.py").text


def test_ignored_files_are_left_out_unless_they_are_asked_for(call: Call, checkout: Path) -> None:
    (checkout / ".gitignore").write_text("*.log\n")
    (checkout / "out.log").write_text("only here\n")
    assert call(SEARCH, pattern="only here").text.startswith("Nothing matches")
    assert call(SEARCH, pattern="only here", include_ignored=True).text == "out.log:1:only here"
    assert call(SEARCH, pattern="only here", path="out.log").text == "out.log:1:only here"


def test_lines_around_a_match_are_shown_where_that_is_asked_for(call: Call) -> None:
    assert call(SEARCH, pattern="Y = 22", ignore_case=True, context=1).text == "src/a.py-1-x = 1\nsrc/a.py:2:y = 22"


def test_no_configuration_of_the_checkout_has_a_say(call: Call, checkout: Path) -> None:
    (checkout / ".git/config").write_text('[grep]\n\tlineNumber = false\n[core]\n\tpager = "touch pwned"\n')
    assert call(SEARCH, pattern="y", glob="*.py").text == "src/a.py:2:y = 22"
    assert not (checkout / "pwned").exists()


def test_without_git_grep_answers(assignment: Assignment, desk: Desk, checkout: Path) -> None:
    def bare(_checkout: Path, command: Sequence[str]) -> Execution:
        return ended(0, "./a.py:1:x\n") if command[0] == "grep" else ended(127, "git: not found\n")

    (checkout / "a.py").write_text("x\n")
    workbench = MemoryWorkbenches(bare).open(checkout, name="ISSUE-1")
    arguments = Search(pattern="x", glob="!src/*.md")
    assert SEARCH.run(replace(desk, workbench=workbench), assignment, arguments) == ToolResult("a.py:1:x")


def test_options_in_pattern_and_glob_are_not_options(call: Call) -> None:
    assert call(SEARCH, pattern="--help").text.startswith("Nothing matches '--help'.")
    assert call(SEARCH, pattern="-f/etc/passwd").text.startswith("Nothing matches")
    assert call(SEARCH, pattern="y", glob="-r /etc").text.startswith("Nothing matches")


def test_a_broken_pattern_fails_with_the_reason(call: Call) -> None:
    result = call(SEARCH, pattern="(")
    assert result.failed
    assert "parenthes" in result.text


@pytest.mark.timeout(60)
def test_a_catastrophic_pattern_ends(call: Call, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "DEADLINE", 2.0)
    (checkout / "a.txt").write_text("\n".join(["a" * 40_000 + "b"] * 200))
    result = call(SEARCH, pattern=r"^(([a-z])+.)+[A-Z]([a-z])+$")
    assert result.failed
    assert "backtracking" in result.text or "longer than" in result.text or "limit" in result.text


def test_many_and_long_matches_are_cut_and_say_so(call: Call, checkout: Path) -> None:
    for number in range(10):
        (checkout / f"{number}.txt").write_text(("z" * 1_000 + "\n") * 100)
    lines = call(SEARCH, pattern="z").text.splitlines()
    assert len(lines) == search.LINES + 1
    assert all(len(line) <= search.LONGEST_LINE + 1 for line in lines)
    assert lines[-1].startswith("[More may match: at most 200 lines are shown, 50 of a file.")


def test_a_file_that_matches_too_often_is_cut_and_says_so(call: Call, checkout: Path) -> None:
    (checkout / "a.txt").write_text("z\n" * 100)
    assert call(SEARCH, pattern="z").text.splitlines()[50].startswith("[More may match")
    (checkout / "a.txt").write_text("z\n" * 49)
    assert "[" not in call(SEARCH, pattern="z").text


def test_a_file_that_could_not_be_searched_is_named(assignment: Assignment, desk: Desk, checkout: Path) -> None:
    found = ended(2, "./a.txt:1:x\ngrep: ./b.txt: exceeded PCRE's backtracking limit\n")
    (checkout / "a.txt").write_text("x\n")
    workbench = MemoryWorkbenches(lambda *_: found).open(checkout, name="ISSUE-1")
    text = SEARCH.run(replace(desk, workbench=workbench), assignment, Search(pattern="x")).text
    assert text == ("a.txt:1:x\n[Not everything could be searched: grep: ./b.txt: exceeded PCRE's backtracking limit]")


def test_a_grep_that_does_not_know_perl_is_asked_again(assignment: Assignment, desk: Desk, checkout: Path) -> None:
    def old(_checkout: Path, command: Sequence[str]) -> Execution:
        return ended(2, "grep: invalid option -- P\n") if "-P" in command else ended(0, "./a.py:1:x\n")

    (checkout / "a.py").write_text("x\n")
    workbench = MemoryWorkbenches(old).open(checkout, name="ISSUE-1")
    arguments = Search(pattern="x")
    assert SEARCH.run(replace(desk, workbench=workbench), assignment, arguments) == ToolResult("a.py:1:x")


def test_a_search_does_not_leave_through_links(call: Call, checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("y = canary")
    (checkout / "src/link").symlink_to(tmp_path / "secret")
    (checkout / "out").symlink_to(tmp_path)
    assert "canary" not in call(SEARCH, pattern="y").text
    assert call(SEARCH, pattern="y", path="out").failed
    with pytest.raises(FileRefused):
        call(SEARCH, pattern="y", path="out/secret")


def test_a_line_is_told_where_it_stands_in_a_file_of_the_checkout(
    assignment: Assignment, desk: Desk, checkout: Path, tmp_path: Path
) -> None:
    """As where a name was swapped for a link while it was searched."""
    (tmp_path / "secret").write_text("y = canary\n")
    (checkout / "link").symlink_to(tmp_path / "secret")
    said = "./link:1:y = canary\n./src/a.py:2:y = 22\n./src/a.py:1:y = canary\n./src/a.py:9:y = 22\n./gone:1:y\n"
    workbench = MemoryWorkbenches(lambda *_: ended(0, said)).open(checkout, name="ISSUE-1")
    text = SEARCH.run(replace(desk, workbench=workbench), assignment, Search(pattern="y")).text
    assert text.splitlines()[:-1] == ["src/a.py:2:y = 22"]
    assert text.endswith("\n[Some files were not there any more as they were found, or cannot be used. Search again.]")


def test_a_name_that_git_quotes_is_read_by_its_own(call: Call, checkout: Path) -> None:
    (checkout / 'a"ä.txt').write_text("only here\n")
    assert call(SEARCH, pattern="only here").text == '"a\\"ä.txt":1:only here'


def test_a_pattern_over_lines_is_explained(call: Call) -> None:
    assert call(SEARCH, pattern="a\nb").failed
