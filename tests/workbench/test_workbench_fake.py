from collections.abc import Sequence
from pathlib import Path

import pytest

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.workbench.fake import MemoryWorkbenches, ended
from orket_pipelines.workbench.model import Execution


def test_commands_are_answered_by_a_mapping_and_remembered(tmp_path: Path) -> None:
    workbenches = MemoryWorkbenches({("pytest",): ended(1, "1 failed\n")})
    workbench = workbenches.open(tmp_path, name="ISSUE-1")
    assert workbench.run(["pytest"], deadline=1) == ended(1, "1 failed\n")
    assert workbenches.commands == [("pytest",)]


def test_a_command_that_the_mapping_does_not_know_is_not_found(tmp_path: Path) -> None:
    workbench = MemoryWorkbenches({}).open(tmp_path, name="ISSUE-1")
    assert workbench.run(["make", "all"], deadline=1) == ended(127, "make all: not found\n")


def test_without_answers_every_command_succeeds(tmp_path: Path) -> None:
    assert MemoryWorkbenches().open(tmp_path, name="ISSUE-1").run(["make"], deadline=1) == ended(0, "")


def test_commands_are_answered_by_a_function_of_checkout_and_command(tmp_path: Path) -> None:
    def answer(checkout: Path, command: Sequence[str]) -> Execution:
        return ended(0, f"{checkout.name} {command[0]}")

    workbench = MemoryWorkbenches(answer).open(tmp_path / "here", name="ISSUE-1")
    assert workbench.run(["x"], deadline=1).output == "here x"


def test_a_closed_workbench_runs_nothing(tmp_path: Path) -> None:
    workbench = MemoryWorkbenches().open(tmp_path, name="ISSUE-1")
    workbench.close()
    with pytest.raises(WorkbenchError, match="is closed"):
        workbench.run(["x"], deadline=1)


def test_a_server_of_the_fake_says_its_answer_and_runs_until_it_is_stopped(tmp_path: Path) -> None:
    workbench = MemoryWorkbenches({("serve",): ended(0, "up")}).open(tmp_path, name="one")
    assert workbench.start_server("web", ["serve"]) is None
    assert workbench.start_server("bad", ["unknown"]) is None
    stopped = workbench.servers.stop("web")
    assert stopped is not None
    assert (stopped.running, stopped.output) == (False, "up")
    failed = workbench.servers.stop("bad")
    assert failed is not None
    assert failed.exit_code == 127
