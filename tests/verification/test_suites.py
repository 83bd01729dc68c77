"""Which suites a card must pass, and that what is not there never does."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.cards import Card, CardKind, CardState
from orket_pipelines.verification import CaseOutcome, Suite, SuiteKind, Target, rock_suites, suites_of
from orket_pipelines.verification.fake import MemoryBrowsers
from orket_pipelines.verification.running import run_suite
from orket_pipelines.verification.suites import HEALTHY, OPENAPI, PROJECT, SMOKE, standing_suites, tried_suites

API = Suite("api", SuiteKind.HTTP, "checks: …", "api.yaml", "digest")
ROCK = Card(
    "rock",
    CardKind.ROCK,
    "Rock",
    details={
        "suites": [{"name": "api", "kind": "http", "source": "checks: …", "file": "api.yaml", "digest": "digest"}],
        "verified_by": ["api"],
    },
)
TARGET = Target("sandbox", "web", {"web": "http://127.0.0.1:9"})


def issue(*verified_by: str) -> Card:
    return Card("a", CardKind.ISSUE, "A", rock_id="rock", details={"verified_by": list(verified_by)})


def test_every_card_must_pass_the_projects_tests() -> None:
    assert suites_of(issue(), ROCK, serves=False) == (PROJECT,)
    assert suites_of(Card("a", CardKind.ISSUE, "A"), None, serves=False) == (PROJECT,)


def test_a_stack_that_serves_must_be_healthy() -> None:
    assert suites_of(issue(), ROCK, serves=True) == (PROJECT, HEALTHY)


def test_what_a_card_declares_comes_on_top_and_each_suite_once() -> None:
    assert suites_of(issue("project", "api", "healthy", "api"), ROCK, serves=True) == (PROJECT, HEALTHY, API)
    assert suites_of(issue("healthy"), ROCK, serves=False) == (PROJECT, HEALTHY)


def test_a_rock_must_pass_what_it_declares_itself() -> None:
    assert rock_suites(ROCK, serves=True) == (PROJECT, HEALTHY, API)


def test_what_done_issues_have_proven_stands_where_no_open_one_answers_for_it() -> None:
    done, other = (replace(issue(*names), state=CardState.DONE) for names in (("api", "gone"), ("openapi", "smoke")))
    assert standing_suites(ROCK, [done, other]) == (API, SMOKE, OPENAPI)
    assert standing_suites(ROCK, [done, other, issue("api", "smoke")]) == (OPENAPI,)
    assert standing_suites(ROCK, [issue("api"), replace(issue("api"), state=CardState.CANCELED)]) == ()


def test_fixtures_are_never_tried_by_themselves() -> None:
    fixture = {"name": "price", "kind": "fixture", "source": "request: …", "file": "price.yaml", "digest": "d"}
    rock = replace(ROCK, details={"suites": [*ROCK.details["suites"], fixture]})
    assert tried_suites(rock) == (API,)
    assert standing_suites(rock, [replace(issue("price"), state=CardState.DONE)]) == ()


def test_a_declared_suite_that_the_rock_does_not_hold_is_missing() -> None:
    missing = Suite("gone", SuiteKind.MISSING)
    assert suites_of(issue("gone"), ROCK, serves=False) == (PROJECT, missing)
    assert suites_of(issue("gone"), None, serves=False) == (PROJECT, missing)


@pytest.mark.parametrize(
    "suite",
    [
        Suite("gone", SuiteKind.MISSING),
        Suite("empty", SuiteKind.E2E, " \n"),
        Suite("empty", SuiteKind.HTTP),
        Suite("broken", SuiteKind.HTTP, "checks: ["),
        Suite("broken", SuiteKind.HTTP, "checks: []"),
        Suite("broken", SuiteKind.HTTP, "a: &a []\nb: *a"),
    ],
)
def test_a_missing_an_empty_and_a_broken_suite_do_not_pass(suite: Suite, tmp_path: Path) -> None:
    browsers = MemoryBrowsers()
    report = run_suite(suite, TARGET, browsers=browsers, folder=tmp_path, deadline=5, stop=threading.Event())

    assert (report.passed, report.counts, report.exit_code) == (False, {"errors": 1}, None)
    assert [case.outcome for case in report.cases] == [CaseOutcome.ERROR]
    assert report.log
    assert browsers.runs == []


def test_a_browser_runs_end_to_end_suites(tmp_path: Path) -> None:
    browsers, suite = MemoryBrowsers(), Suite("page", SuiteKind.E2E, "def test_page(page): ...")
    report = run_suite(suite, TARGET, browsers=browsers, folder=tmp_path / "run", deadline=5, stop=threading.Event())

    assert (report.passed, browsers.runs) == (True, [suite])
    assert [artifact.name for artifact in report.artifacts] == ["page.png"]
