"""A terminal with an ORKET_HOME of its own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from orket_pipelines.cli.application import build
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

Orket = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the state of the test's commands lies; they start in an empty folder."""
    folder = tmp_path / "somewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ORKET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def orket(home: Path) -> Orket:
    """Type `orket …`."""
    runner, application = CliRunner(), build()
    return lambda *arguments: runner.invoke(application, [str(argument) for argument in arguments], prog_name="orket")


@pytest.fixture
def asked(orket: Orket) -> Callable[..., Any]:
    """What `orket … --json` answers."""

    def ask(*arguments: object) -> Any:
        done = orket(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return ask


@pytest.fixture
def opened(home: Path) -> Iterator[Store]:
    """The store that the commands see."""
    store = Store.open(Settings(home=home).store_url)
    yield store
    store.close()
