"""`orket tests`: what was tried, and what came of it."""

from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import Card, CardKind
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.delivery.model import Attempt, SuiteRun
from orket_pipelines.delivery.records import add_test_run
from orket_pipelines.store import Store
from orket_pipelines.verification import Suite, SuiteKind
from orket_pipelines.verification.artifacts import artifacts_folder, keep
from orket_pipelines.verification.fake import PICTURE
from orket_pipelines.verification.model import Case, CaseOutcome
from orket_pipelines.verification.records import store_artifacts
from orket_pipelines.verification.reports import report_of
from tests.cli.conftest import Orket

COMMIT = "c0ffee" * 6


@pytest.fixture
def ran(opened: Store, home: Path) -> None:
    """A failed run of a browser suite with a picture, after one of the project's tests that told numbers alone."""
    cases = [
        Case("page.test_list", CaseOutcome.FAILED, 1.5, "no heading\x07"),
        Case("page.test_add", CaseOutcome.PASSED, 0.5),
    ]
    picture = keep("page.png", PICTURE, artifacts_folder(home, "default", "storage", "storage.1.page"))
    report = report_of(cases, exit_code=1, log="the log", artifacts=[picture])
    tests = report_of([Case("a", CaseOutcome.PASSED, 0.0)], exit_code=0, log="1 passed")
    attempt = Attempt(1, "todo", "b", "base", COMMIT, None, None)
    with opened.write() as tx:
        insert_cards(tx, [Card("storage", CardKind.ISSUE, "Storage")])
        card = get_card(tx, "storage")
        add_test_run(tx, card, attempt, SuiteRun("head", COMMIT, tests, 1_000_000, ended_at=2_000_000, id="head-1"))
        suite = Suite("page", SuiteKind.E2E)
        run = SuiteRun("sandbox", COMMIT, report, 3_000_000, suite, 6_000_000, "storage.1.page", "s1")
        add_test_run(tx, card, attempt, run)
        store_artifacts(tx, home=home, run_id="storage.1.page", card_id="storage", artifacts=[picture])


@pytest.mark.usefixtures("ran")
def test_runs_are_listed_the_latest_first(orket: Orket, asked: Any) -> None:
    told = orket("tests", "list").stdout
    assert told.index("storage.1.page") < told.index("head-1")
    assert "1 failed, 1 passed" in told
    assert [(run["id"], run["verdict"]) for run in asked("tests", "list")] == [
        ("storage.1.page", "failed"),
        ("head-1", "passed"),
    ]
    assert [run["id"] for run in asked("tests", "list", "--limit", "1")] == ["storage.1.page"]
    assert asked("tests", "list", "--card", "storage")[0]["seconds"] == 3.0


@pytest.mark.usefixtures("ran")
def test_a_run_is_shown_with_its_cases_and_what_it_left(orket: Orket, asked: Any) -> None:
    told = orket("tests", "show", "storage.1.page").stdout
    assert told.startswith("page failed on commit c0ffeec0ffee, attempt 1 of storage: 1 failed, 1 passed, 3.0 s\n")
    assert "no heading\\x07" in told
    assert "orket tests open storage.1.page" in told
    shown = asked("tests", "show", "storage.1.page")
    assert [case["outcome"] for case in shown["cases"]] == ["failed", "passed"]
    assert [artifact["name"] for artifact in shown["artifacts"]] == ["page.png"]
    assert Path(shown["artifacts"][0]["path"]).is_file()


@pytest.mark.usefixtures("ran")
def test_a_run_is_written_as_a_page(orket: Orket, asked: Any, tmp_path: Path, home: Path) -> None:
    opened = asked("tests", "open", "storage.1.page")
    assert opened == {"written": str(home.resolve() / "reports" / "storage.1.page.html"), "opened": False}
    assert "data:image/png;base64," in Path(opened["written"]).read_text()
    page = tmp_path / "pages" / "page.html"
    assert str(page) in orket("tests", "open", "storage.1.page", "--html", page).stdout
    assert "<h1>page <i>failed</i></h1>" in page.read_text()


def test_what_was_never_run_is_told_with_what_to_type(orket: Orket, opened: Store) -> None:
    assert "Nothing was tested yet" in orket("tests", "list").stdout
    unknown = orket("tests", "show", "nothing")
    assert unknown.exit_code == 1
    assert "there is no test run nothing" in unknown.output
    assert "orket tests list" in unknown.output
    assert orket("tests", "list", "--card", "nobody").exit_code == 1
