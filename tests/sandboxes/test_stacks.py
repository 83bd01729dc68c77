"""Six small repositories of as many stacks on a real engine: found, installed, built, answering, and gone."""

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orket_pipelines.cli.application import build
from orket_pipelines.containers import installation_id, open_engine
from orket_pipelines.containers.model import OWNER, PURPOSE, ContainerPurpose
from orket_pipelines.settings import application_folder
from tests.conftest import emptied

pytestmark = [pytest.mark.docker, pytest.mark.slow]
STACKS = application_folder() / "examples" / "stacks"
Typed = Callable[..., Any]


@pytest.fixture(scope="module")
def typed(
    tmp_path_factory: pytest.TempPathFactory, workbench_image: str, database_images: dict[str, str]
) -> Iterator[Typed]:
    """What `orket … --json` answers, in one home for all: dependencies that stacks share are installed once."""
    runner, application = CliRunner(), build()
    with emptied(tmp_path_factory.mktemp("stacks") / "home") as home:
        environment = {
            "ORKET_HOME": str(home),
            "ORKET_ISOLATION": "container",
            "ORKET_WORKBENCH_IMAGE": workbench_image,
            "ORKET_E2E_IMAGE": workbench_image,
            "ORKET_DATABASE_IMAGES": json.dumps(database_images),
        }

        def run(*words: object) -> Any:
            done = runner.invoke(application, [*map(str, words), "--json"], env=environment)
            assert done.exit_code == 0, done.output
            return json.loads(done.stdout)

        yield run
        left = _left(home)
        assert left == [], f"sandboxes that were removed left {left}"


def _left(home: Path) -> list[str]:
    """What there is of sandboxes on the engine and on the disk."""
    engine, owner = open_engine(home), {OWNER: installation_id(home)}
    names = [each.name for each in engine.containers(owner)] + [each.name for each in engine.networks(owner)]
    names += [each.name for each in engine.volumes(owner) if each.labels.get(PURPOSE) != ContainerPurpose.INSTALL]
    return names + [str(path) for path in (home / "sandboxes").glob("*/*")]


def said(sandbox: dict[str, Any], path: str, body: str | None = None) -> tuple[int, str]:
    """What its front answers."""
    address = sandbox["urls"][sandbox["front"]].removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET" if body is None else "POST", path, body=body, headers={"Accept": "text/html, */*"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def up(typed: Typed, stack: str) -> dict[str, Any]:
    sandbox: dict[str, Any] = typed("sandboxes", "up", STACKS / stack)
    assert (sandbox["rock_id"], sandbox["state"], sandbox["isolation"]) == (stack, "running", "container")
    return sandbox


def down(typed: Typed, stack: str) -> None:
    assert [each["state"] for each in typed("sandboxes", "down", stack)["removed"]] == ["deleted"]


def test_a_page_of_files(typed: Typed) -> None:
    sandbox = up(typed, "static")
    status, page = said(sandbox, "/")
    assert status == 200
    assert "9 to 17" in page
    down(typed, "static")


def test_a_fastapi(typed: Typed) -> None:
    sandbox = up(typed, "fastapi")
    assert said(sandbox, "/celsius/212") == (200, '{"celsius":100.0}')
    # The same files are there already, and answer.
    assert typed("sandboxes", "up", STACKS / "fastapi")["generation"] == sandbox["generation"]
    down(typed, "fastapi")


def test_a_flask(typed: Typed) -> None:
    status, words = said(up(typed, "flask"), "/words", "to be or not to be")
    assert (status, json.loads(words)) == (200, {"to": 2, "be": 2, "or": 1, "not": 1})
    down(typed, "flask")


def test_an_express(typed: Typed) -> None:
    sandbox = up(typed, "express")
    assert json.loads(said(sandbox, "/roll/1")[1]) == {"sides": 1, "rolled": 1}
    assert said(sandbox, "/roll/x")[0] == 400
    down(typed, "express")


def test_a_page_that_vite_builds_whose_addresses_all_lead_to_it(typed: Typed) -> None:
    sandbox = up(typed, "vite")
    status, page = said(sandbox, "/utc")
    assert status == 200
    built = page.partition('src="')[2].partition('"')[0]
    assert built.startswith("/assets/")
    assert "toLocaleTimeString" in said(sandbox, built)[1]
    down(typed, "vite")


def test_a_django_whose_rows_are_in_postgresql(typed: Typed) -> None:
    sandbox = up(typed, "django-postgres")
    assert said(sandbox, "/notes", "buy milk") == (200, '{"notes": ["buy milk"]}')
    assert said(sandbox, "/notes") == (200, '{"notes": ["buy milk"]}')
    container = f"orket-{sandbox['id'][:12]}-postgres"
    assert rows_of(container) == "buy milk"
    down(typed, "django-postgres")


def rows_of(container: str) -> str:
    """What PostgreSQL itself has in the table, asked over the network with the password of the file."""
    ask = 'PGPASSWORD=$(cat /run/secrets/database/password) psql -h postgres -U app -d app -Atc "$0"'
    question = "SELECT text FROM notes_note"
    told: list[bytes] = []
    assert open_engine(Path()).execute(container, ["sh", "-c", ask, question], output=told.append) == 0, told
    return b"".join(told).decode().strip()
