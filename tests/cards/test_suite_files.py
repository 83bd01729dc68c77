"""Suites as card files declare them, and their files as people get them wrong."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.cards import Card
from orket_pipelines.cards.importing import ImportReport, import_cards
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.store import Store

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

Import = Callable[[str], ImportReport]
HTTP = "checks: [{name: it answers, request: {path: /api/health}, expect: {status: 200}}]\n"
PAGE = "def test_the_page_loads(page):\n    page.goto('/')\n"
ROCK = """
rock:
  name: Rock
  suites:
    - {name: api, kind: http, file: checks/api.yaml}
    - {name: page, kind: e2e, file: checks/page.py}
  verified_by: [healthy, page]
  epics:
    - name: Epic
      issues:
        - {id: a, name: A, verified_by: [project, api]}
        - {id: b, name: B, depends_on: [a]}
"""


@pytest.fixture
def load(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Import the text of a card file with two good suites beside it."""
    monkeypatch.chdir(tmp_path)
    Path("cards/checks").mkdir(parents=True)
    Path("cards/checks/api.yaml").write_text(HTTP)
    Path("cards/checks/page.py").write_text(PAGE)

    def load_text(text: str) -> ImportReport:
        Path("cards/rock.yaml").write_text(text)
        return import_cards(store, [Path("cards/rock.yaml")], seats=())

    return load_text


def problems(report: ImportReport) -> list[str]:
    return [str(problem) for problem in report.problems]


def card(store: Store, card_id: str) -> Card:
    with store.read() as tx:
        return get_card(tx, card_id)


def test_a_suites_text_is_taken_in_with_the_rock(load: Import, store: Store) -> None:
    assert problems(load(ROCK)) == []
    rock = card(store, "rock")
    assert rock.details["suites"] == [
        {
            "name": "api",
            "kind": "http",
            "file": "checks/api.yaml",
            "source": HTTP,
            "digest": hashlib.sha256(HTTP.encode()).hexdigest(),
        },
        {
            "name": "page",
            "kind": "e2e",
            "file": "checks/page.py",
            "source": PAGE,
            "digest": hashlib.sha256(PAGE.encode()).hexdigest(),
        },
    ]
    assert rock.details["verified_by"] == ["healthy", "page"]
    assert card(store, "a").details["verified_by"] == ["project", "api"]


def test_the_same_files_again_change_nothing_and_a_changed_suite_changes_the_rock(load: Import, store: Store) -> None:
    load(ROCK)
    assert len(load(ROCK).unchanged) == 4
    Path("cards/checks/page.py").write_text(PAGE + "    page.reload()\n")

    assert load(ROCK).changed == ("rock",)
    assert card(store, "rock").details["suites"][1]["source"].endswith("page.reload()\n")


def test_an_issue_that_names_an_unknown_suite_is_left_out_with_what_needs_it(load: Import, store: Store) -> None:
    report = load(ROCK.replace("[project, api]", "[project, apy]"))
    assert problems(report) == [
        "cards/rock.yaml: rock.epics[0].issues[0].verified_by[1]: no suite is called 'apy'",
        "cards/rock.yaml: rock.epics[0].issues[1].depends_on[0]: depends on 'a', which cannot be loaded",
    ]
    assert report.problems[0].fix == "Suites: project, healthy, smoke, openapi, scenarios, api, page."
    with store.read() as tx:
        assert [found.id for found in list_cards(tx)] == ["rock", "rock-epic"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[healthy, page]", "[nope]", "rock.verified_by[0]: no suite is called 'nope'"),
        ("name: page", "name: api", "rock.suites[1].name: two suites are called 'api'"),
        ("name: api", "name: project", "rock.suites[0].name: every rock has a suite 'project' already"),
        ("kind: http", "kind: unit", "rock.suites[0].kind: 'unit' is not one of 'http', 'e2e' or 'fixture'"),
        ("checks/api.yaml", "checks/no.yaml", "rock.suites[0].file: 'checks/no.yaml' is not there"),
        ("checks/api.yaml", "checks", "rock.suites[0].file: 'checks' is not there"),
        ("checks/api.yaml", "../out.yaml", "rock.suites[0].file: '../out.yaml' lies outside the folder of the card"),
        ("checks/api.yaml", "/etc/passwd", "rock.suites[0].file: '/etc/passwd' lies outside the folder of the card"),
        ("checks/api.yaml", "checks/link.yaml", "rock.suites[0].file: 'checks/link.yaml' lies outside the folder"),
        ("checks/api.yaml", "checks/empty.yaml", "rock.suites[0].file: 'checks/empty.yaml' is empty"),
        ("checks/api.yaml", "checks/large.yaml", "rock.suites[0].file: 'checks/large.yaml' is larger than 200 kB"),
        ("checks/api.yaml", "checks/bytes.yaml", "rock.suites[0].file: 'checks/bytes.yaml' is not text in UTF-8"),
    ],
)
def test_a_rock_with_a_suite_that_cannot_be_read_is_not_loaded(
    load: Import, store: Store, old: str, new: str, told: str
) -> None:
    Path("out.yaml").write_text(HTTP)
    Path("cards/checks/link.yaml").symlink_to(Path("out.yaml").absolute())
    Path("cards/checks/empty.yaml").write_text(" \n")
    Path("cards/checks/large.yaml").write_text("#" * 200_001)
    Path("cards/checks/bytes.yaml").write_bytes(b"\xff\xfe")

    report = load(ROCK.replace(old, new))
    assert any(told in problem for problem in problems(report)), problems(report)
    with store.read() as tx:
        assert list_cards(tx) == []


def test_a_suite_that_is_named_by_a_path_of_this_machine_is_refused(load: Import) -> None:
    report = load(ROCK.replace("checks/api.yaml", str(Path("cards/checks/api.yaml").absolute())))

    assert any("is a path of this machine" in problem for problem in problems(report)), problems(report)


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("page.py", "def test_x(:\n", "cards/checks/page.py: line 1: invalid syntax"),
        ("page.py", "return 1\n", "cards/checks/page.py: line 1: 'return' outside function"),
        ("page.py", "x = " + "(" * 5_000, "cards/checks/page.py: line 1: too many nested parentheses"),
        ("page.py", "def check(page): ...\n", "cards/checks/page.py: has no test function"),
        ("page.py", "async def test_x(page): ...\n", "cards/checks/page.py: has no test function"),
        ("api.yaml", "checks: [", "cards/checks/api.yaml: line 2, column 1: did not find expected node content"),
        ("api.yaml", "a: &a [1]\nb: *a\n", "cards/checks/api.yaml: aliases (*a) are not allowed"),
        ("api.yaml", "checks: []", "cards/checks/api.yaml: checks: List should have at least 1 item"),
        ("api.yaml", "check: []", "cards/checks/api.yaml: check: there is no such field; did you mean 'checks'?"),
    ],
)
def test_a_suite_that_cannot_work_is_named_by_its_own_file(load: Import, file: str, text: str, told: str) -> None:
    Path("cards/checks", file).write_text(text)
    assert any(problem.startswith(told) for problem in problems(load(ROCK)))


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("request: {path: /}, expect: {}", "checks[0].expect.status: is missing"),
        ("request: {path: api}, expect: {status: 200}", "checks[0].request.path: must be a path of the service"),
        ("request: {path: //evil.example/}, expect: {status: 200}", "checks[0].request.path: must be a path"),
        ("request: {path: /, method: BREW}, expect: {status: 200}", "checks[0].request.method: 'BREW' is not one of"),
        ("request: {path: /, json: 1, body: a}, expect: {status: 200}", "checks[0].request: has json and body"),
        ("request: {path: /, xml: a}, expect: {status: 200}", "checks[0].request.xml: there is no such field"),
        ("request: {path: '/{id}'}, expect: {status: 200}", "'one' uses {id}, which no check before it saves"),
        ("request: {path: /, json: {a: ['{b}']}}, expect: {status: 200}", "'one' uses {b}, which no check before"),
        ("request: {path: /}, expect: {status: 200}, save: {Id: id}", "checks[0].save.Id.[key]: must be lower-case"),
    ],
)
def test_a_wrong_check_is_named_by_the_path_to_its_key(load: Import, check: str, told: str) -> None:
    Path("cards/checks/api.yaml").write_text(f"checks: [{{name: one, {check}}}]")
    assert any(told in problem for problem in problems(load(ROCK))), problems(load(ROCK))


def test_a_suite_in_json_and_a_class_of_tests_are_suites(load: Import) -> None:
    Path("cards/checks/api.json").write_text(
        '{"checks": [{"name": "a", "request": {"path": "/"}, "expect": {"status": 200}}]}'
    )
    Path("cards/checks/page.py").write_text("class TestPage:\n    def test_it_loads(self, page): ...\n")
    assert problems(load(ROCK.replace("api.yaml", "api.json"))) == []


def test_a_rock_that_loses_a_suite_keeps_what_the_store_has(load: Import, store: Store) -> None:
    load(ROCK)
    Path("cards/checks/page.py").unlink()

    assert len(load(ROCK).problems) == 1
    assert [suite["name"] for suite in card(store, "rock").details["suites"]] == ["api", "page"]


def test_a_suite_that_lies_among_card_files_is_not_taken_for_one(load: Import, store: Store) -> None:
    Path("cards/rock.yaml").write_text(ROCK)
    Path("cards/checks/stray.yaml").write_text(HTTP)

    report = import_cards(store, [Path("cards")], seats=())
    assert problems(report) == ["cards/checks/stray.yaml: must hold exactly one field, rock"]
    assert len(report.created) == 4


def test_a_broken_suite_is_told_once_where_a_folder_is_read(load: Import, store: Store) -> None:
    Path("cards/rock.yaml").write_text(ROCK)
    Path("cards/checks/api.yaml").write_text("checks: [")

    assert len(import_cards(store, [Path("cards")], seats=()).problems) == 1


def test_the_examples_of_the_documentation_can_be_imported(load: Import) -> None:
    text = (Path(__file__).parents[2] / "docs" / "VERIFICATION.md").read_text()
    rock, checks, priced, fixture = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (page,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    Path("cards/suites").mkdir()
    Path("cards/suites/api.yaml").write_text(checks)
    Path("cards/suites/test_page.py").write_text(page)

    Path("cards/suites/price.yaml").write_text(fixture)

    assert problems(load(rock)) == []
    assert problems(load(priced.replace("rock:\n", "rock:\n  name: A shop\n"))) == []
