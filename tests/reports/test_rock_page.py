"""The page of a rock: read from what is stored, and nothing on it is obeyed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import begin
from orket_pipelines.cards.bugs import Finding, report
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.cli.application import build
from orket_pipelines.delivery.model import Attempt, FeedbackKind, SuiteRun
from orket_pipelines.delivery.records import add_feedback, insert_attempt, store_run, update_attempt
from orket_pipelines.errors import CardError
from orket_pipelines.reports import RockStory, rock_page, story_of
from orket_pipelines.store import Store
from orket_pipelines.verification.artifacts import keep
from orket_pipelines.verification.fake import PICTURE
from orket_pipelines.verification.model import Artifact, Case, CaseOutcome, Suite, SuiteKind
from orket_pipelines.verification.reports import report_of

pytestmark = pytest.mark.slow

HOSTILE = "</pre></table><script>alert(1)</script>"
BOARD = Suite("board", SuiteKind.E2E)


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """Only questions of other rooms are asked, which have their tests on both."""
    shutil.copyfile(sqlite_template, tmp_path / "orket.db")
    return f"sqlite:///{tmp_path / 'orket.db'}"


def read(store: Store, home: Path, rock: str = "shop") -> RockStory:
    with store.read() as tx:
        return story_of(tx, rock, home=home, moment=store.clock.moment(), rules=BugPhases())


def ran(passed: bool, *artifacts: Artifact) -> SuiteRun:
    outcome = CaseOutcome.PASSED if passed else CaseOutcome.FAILED
    case = Case("test_price", outcome, 0.5, "" if passed else f"expected 3 {HOSTILE}")
    result = report_of([case], exit_code=int(not passed), log=HOSTILE, artifacts=artifacts)
    return SuiteRun("sandbox", "c0ffee" * 6, result, 0, suite=BOARD, id=f"till.{1 + passed}.board")


@pytest.fixture
def delivered(store: Store, tmp_path: Path) -> Store:
    """An issue that was merged, failed in a browser, and was merged again; then its rock's phase and a bug."""
    details: dict[str, Any] = {"description": HOSTILE}
    with store.write() as tx:
        rock = Card("shop", CardKind.ROCK, f"A shop {HOSTILE}", CardState.DONE, rock_id="shop")
        till = Card("till", CardKind.ISSUE, "A till", CardState.DONE, parent_id="shop", rock_id="shop", details=details)
        insert_cards(tx, [rock, till])
        for number, passed in ((1, False), (2, True)):
            branch, merge = f"orket/till/{number}", f"m{number}" * 20
            attempt = Attempt(number, "shop", branch, "base", None, None, None)
            insert_attempt(tx, till, attempt)
            update_attempt(tx, "till", number, head_commit="c0ffee", pull_request=number, merge_commit=merge)
            add_feedback(tx, till, attempt, FeedbackKind.APPROVED, author="ada", body=HOSTILE)
            left = () if passed else (keep("board.png", PICTURE, tmp_path),)
            store_run(tx, tmp_path, till, attempt, ran(passed, *left))
        begin(tx, get_card(tx, "shop"), store.clock.moment(), BugPhases())
        report(tx, "shop", Finding(f"It rings {HOSTILE}", "Twice."))
    return store


def test_a_page_tells_every_attempt_with_its_reviews_and_runs_and_the_phase(delivered: Store, tmp_path: Path) -> None:
    page = rock_page(read(delivered, tmp_path))
    said = ("Attempt 1: branch orket/till/1, pull request #1, merged as m1m1m1m1m1m1", "ada: approved", "suite board")
    again = ("Attempt 2: branch orket/till/2", "suite board", "Its bug-fix phase", "1 bug was found", "What happened")
    places = [page.index(said[0])]
    for words in (*said[1:], *again):
        places.append(page.index(words, places[-1]))
    assert "1 of 2 issues are done, in 2 attempts. Suites ran 2 times, 1 of them failed." in page
    assert page.count('<details class="failed" open>') == 2
    assert page.count('<img alt="board.png" src="data:image/png;base64,') == 1
    assert page.count("<svg") == 1
    assert "shop: its bug-fix phase is active, of 7 days" in page
    assert "a major bug, found by person: It rings" in page


def test_whatever_was_said_is_text_on_the_page(delivered: Store, tmp_path: Path) -> None:
    page = rock_page(read(delivered, tmp_path))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 6
    assert "default-src 'none'" in page


def test_a_rock_that_nobody_has_begun_has_a_page_too(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        rock = Card("shop", CardKind.ROCK, "A shop", rock_id="shop")
        insert_cards(tx, [rock, replace(rock, id="till", kind=CardKind.ISSUE, name="A till", parent_id="shop")])
    page = rock_page(read(store, tmp_path))
    assert "Nobody has begun it." in page
    assert "Nothing was deployed." in page
    assert "bug-fix phase" not in page


def test_the_terminal_writes_the_page_where_it_is_told_to(
    delivered: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_HOME", str(tmp_path))
    done = CliRunner().invoke(build(), ["rocks", "open", "shop", "--html", str(tmp_path / "shop.html"), "--json"])
    assert json.loads(done.stdout) == {"written": str(tmp_path / "shop.html"), "opened": False}
    assert "Attempt 2" in (tmp_path / "shop.html").read_text()


def test_only_a_rock_has_a_page(delivered: Store, tmp_path: Path) -> None:
    with pytest.raises(CardError, match="till is not a rock"):
        read(delivered, tmp_path, "till")
