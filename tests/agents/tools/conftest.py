"""A desk over a real checkout and real processes, and a way to call one tool at it."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.tools.model import Desk, Tool, ToolResult
from orket_pipelines.git.repository import GitCode
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store
from orket_pipelines.workbench import ProcessWorkbenches

Call = Callable[..., ToolResult]


@pytest.fixture(scope="session")
def workbenches() -> Iterator[ProcessWorkbenches]:
    workbenches = ProcessWorkbenches()
    yield workbenches
    workbenches.close()


@pytest.fixture(scope="session")
def untouched_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """For tools that have nothing to do with it."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'orket.db'}")
    yield store
    store.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    return checkout


@pytest.fixture
def assignment() -> Assignment:
    return Assignment(
        card_id="ISSUE-1",
        attempt=1,
        role="coder",
        purpose=Purpose.WORK,
        visit=1,
        subject_commit="0" * 40,
        repository="todo",
        test_command=("sh", "tests.sh"),
        brief="",
    )


@pytest.fixture
def desk(tmp_path: Path, checkout: Path, workbenches: ProcessWorkbenches, untouched_store: Store) -> Desk:
    return Desk(
        store=untouched_store,
        code=GitCode(tmp_path / "repositories"),
        workbench=workbenches.open(checkout, name="ISSUE-1"),
        settings=load_settings(command_timeout=20.0, test_timeout=20.0),
        stop=threading.Event(),
    )


@pytest.fixture
def call(desk: Desk, assignment: Assignment) -> Call:
    """`call(TOOL, **arguments)`, as the gate lets it through."""

    def call(tool: Tool, **arguments: Any) -> ToolResult:
        return tool.run(desk, assignment, tool.arguments.model_validate(arguments))

    return call
