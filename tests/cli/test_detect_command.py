import json
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Orket
from tests.sandboxes.repositories import APP, HTML, REQUIREMENTS, VITE, build

FULL = {"requirements.txt": REQUIREMENTS, "main.py": APP, "web/package.json": VITE, "web/index.html": HTML}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with an API and its page."""
    return build(tmp_path / "shop", FULL)


def test_a_person_sees_what_runs_how_and_why(orket: Orket, root: Path) -> None:
    done = orket("detect", root)
    assert done.exit_code == 0
    for line in (
        "api      fastapi  web   .       8000  100%",
        "web      vite     spa   web           100%",
        "  start: python -m uvicorn main:app --host 0.0.0.0 --port {port}",
        "  build: npm run build",
        "  seen: main.py: app is a FastAPI",
        "A person opens web, /api goes on to api.",
    ):
        assert line in done.stdout.splitlines()


def test_a_program_gets_json(orket: Orket, root: Path) -> None:
    done = orket("detect", root, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    assert told.pop("evidence")[0] == "requirements.txt: declares fastapi"
    api = {
        "language": "python",
        "framework": "fastapi",
        "ui": None,
        "kind": "web",
        "port": 8000,
        "start": "python -m uvicorn main:app --host 0.0.0.0 --port 8000",
        "build": None,
    }
    page = {
        "language": "node",
        "framework": "vite",
        "ui": "react",
        "kind": "spa",
        "port": None,
        "start": None,
        "build": "npm run build",
    }
    assert told == {
        **api,
        "ui": "react",
        "kind": "multi",
        "databases": [],
        "services": [{"path": ".", **api}, {"path": "web", **page}],
        "confidence": 1.0,
        "ambiguous": [],
    }


def test_where_nothing_can_be_deployed_that_and_the_next_step_is_told(orket: Orket, tmp_path: Path) -> None:
    build(tmp_path, {"pyproject.toml": "[project]\nname='x'\n", "x.py": ""})
    done = orket("detect", tmp_path)
    assert done.exit_code == 0
    assert "library  python  library  .             100%" in done.stdout.splitlines()
    assert "not deployed: nothing here answers HTTP: found only library (library, .)" in done.stdout
    assert "next: Say it in orket.yaml at the root, under `services`; docs/SANDBOXES.md shows how." in done.stdout
    assert orket("detect", tmp_path, "--compose").exit_code == 1


def test_a_program_is_told_that_nothing_was_found(orket: Orket, tmp_path: Path) -> None:
    build(tmp_path, {"README.md": ""})
    done = orket("detect", tmp_path, "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["kind"], told["services"], told["confidence"]) == (0, None, [], 0.0)


def test_compose_prints_a_document_and_no_more(orket: Orket, root: Path) -> None:
    done = orket("detect", root, "--compose")
    document = yaml.safe_load(done.stdout)
    assert done.exit_code == 0
    assert document["services"]["api_prepare"]["volumes"][0]["source"] == str(root)
    assert not document["services"]["web"]["user"].startswith("0:")


def test_a_wrong_path_is_named(orket: Orket, tmp_path: Path) -> None:
    done = orket("detect", tmp_path / "gone")
    assert done.exit_code == 1
    assert "gone: cannot be looked into: No such file or directory" in done.stderr
