"""What the tests of the example share: cards, remembered test runs, the page's dependencies."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from orket_pipelines.agents.roles import load_roles
from orket_pipelines.cards.importing import import_cards
from orket_pipelines.cards.model import Card
from orket_pipelines.cards.records import list_cards
from orket_pipelines.store import Store
from tests.examples.replay import TODO, Line, Machine, new_line


@pytest.fixture(scope="session")
def cards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Card]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('cards') / 'orket.db'}")
    try:
        report = import_cards(store, [TODO / "cards"], seats=load_roles())
        assert report.problems == ()
        with store.read() as tx:
            return {card.id: card for card in list_cards(tx)}
    finally:
        store.close()


@pytest.fixture(scope="session")
def machine() -> Machine:
    rock = yaml.safe_load((TODO / "cards" / "todo.yaml").read_text())["rock"]
    return Machine(tuple(rock["params"]["test_command"]))


@pytest.fixture
def line(tmp_path: Path, machine: Machine) -> Line:
    return new_line(tmp_path / "line", machine)


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What package-lock.json asks for, installed once a session as the factory does it."""
    if shutil.which("npm") is None:
        pytest.skip("the page is built with Node, which is not installed (apt install nodejs npm)")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(TODO / "solution" / "page-skeleton" / "frontend" / name, folder)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "node_modules"
