"""The service of the example: its scripted calls through the real gate and the real tools, merged by git."""

import sys

import pytest

from tests.examples.replay import TODO, Line, execute, git

pytestmark = pytest.mark.slow

SIDES = ("todo-create-list", "todo-complete-delete")
BEFORE = ("todo-skeleton", "todo-storage")


def test_the_ground_is_laid_past_a_denied_call_and_a_file_that_git_ignored(line: Line) -> None:
    for card in BEFORE:
        line.deliver(card)
    assert line.log == [
        "todo-skeleton coder work 1: ready_for_testing",
        "denied write_file: protected_path",
        "todo-skeleton integrity_guard review 1: approved",
        "todo-storage coder work 1: ready_for_testing",
        "todo-storage coder tests_failed 1: ready_for_testing",
        "todo-storage integrity_guard review 1: approved",
    ]


@pytest.mark.chaos
@pytest.mark.parametrize("first", SIDES)
def test_two_issues_at_the_same_time_conflict_and_both_are_delivered(line: Line, first: str) -> None:
    [second] = set(SIDES) - {first}
    line.deliver("todo-skeleton")
    line.begin("todo-serve")
    line.deliver("todo-storage")
    line.begin(first)
    line.begin(second)
    line.merge(first)
    line.merge("todo-serve")
    line.merge(second)
    line.deliver("todo-filter")
    assert [entry for entry in line.log if "conflict" in entry] == [f"{second} coder conflict 1: ready_for_testing"]
    assert "todo-create-list integrity_guard review 1: changes_requested" in line.log
    assert "denied request_state: arguments" in line.log


@pytest.mark.chaos
@pytest.mark.parametrize("first", SIDES)
def test_one_issue_at_a_time_is_delivered_without_a_conflict(line: Line, first: str) -> None:
    [second] = set(SIDES) - {first}
    for card in (*BEFORE, first, second, "todo-filter"):
        line.deliver(card)
    assert not any("conflict" in entry for entry in line.log)


def test_a_resolved_conflict_holds_what_one_after_the_other_would_have_written(line: Line) -> None:
    for card in (*BEFORE, *SIDES):
        line.deliver(card)
    resolved = TODO / "solution" / "conflict"
    for path in ("todo/api.py", "docs/api.md"):
        assert (resolved / path).read_text() == (line.main / path).read_text()


def test_what_is_delivered_keeps_a_database_and_caches_out_of_git(line: Line) -> None:
    for card in BEFORE:
        line.deliver(card)
    database = line.main / "data" / "todo.db"
    database.parent.mkdir()
    database.touch()
    execute(line.main, [sys.executable, "-c", "import todo.api"])
    assert git(line.main, "status", "--porcelain").stdout == ""
    assert "todo/data/schema.sql" in git(line.main, "ls-files").stdout
