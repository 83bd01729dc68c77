"""The tables: what the story of one delivered issue looks like in each of them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.analytics import MARTS, SAMPLES, describe, drain, snapshot_of
from orket_pipelines.analytics.queries import HERE
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, append

pytestmark = pytest.mark.slow

Ask = Callable[[str], list[tuple[Any, ...]]]
Look = Callable[[Path, str], list[tuple[Any, ...]]]
BEGIN = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.fixture
def ask(told: Settings, look: Look) -> Ask:
    return lambda query: look(snapshot_of(told), query)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """Tables are made from the warehouse, whatever database the events came from."""
    return f"sqlite:///{tmp_path / 'orket.db'}"


def test_cards_stand_where_they_stand_now(ask: Ask) -> None:
    assert ask("SELECT card_id, kind, state, attempt, depends_on, priority, seat FROM cards") == [
        ("todo", "rock", "in_progress", 1, [], 2.0, None),
        ("api", "issue", "done", 1, [], 3.0, "coder"),
        ("page", "issue", "in_progress", 1, ["api"], 2.0, None),
    ]


def test_a_changed_card_file_changes_the_description_and_not_the_state(story: Store, folder: Path, look: Look) -> None:
    with story.write() as tx:
        append(tx, "card.changed", "api", {"kind": "issue", "name": "The new API", "state": "ready", "note": "file"})
    drain(story, folder)
    cards = look(folder / "snapshot.duckdb", "SELECT name, state, note FROM cards WHERE card_id = 'api'")
    assert cards == [("The new API", "done", "")]


def test_card_times_are_exact(ask: Ask) -> None:
    found = ask("SELECT created_at, started_at, ended_at FROM cards WHERE card_id = 'api'")
    seconds = [(moment - BEGIN).total_seconds() for moment in found[0]]
    assert seconds == [0, 11, 36]


def test_card_transitions_tell_how_long_a_card_stood_where_it_was(ask: Ask) -> None:
    query = (
        "SELECT from_state, to_state, actor, seconds_in_from_state"
        " FROM card_transitions WHERE card_id = 'api' ORDER BY seq"
    )
    assert ask(query) == [
        ("ready", "in_progress", "system", 11.0),
        ("in_progress", "ready_for_testing", "system", 5.0),
        ("ready_for_testing", "in_progress", "system", 6.0),
        ("in_progress", "ready_for_testing", "system", 5.0),
        ("ready_for_testing", "code_review", "system", 6.0),
        ("code_review", "done", "system", 3.0),
    ]


def test_session_history_has_a_row_per_session_with_its_sums(ask: Ask) -> None:
    query = (
        "SELECT session_id, role, purpose, turns, tool_calls, denied, input_tokens, output_tokens, cost, seconds,"
        " outcome, outcome_text FROM session_history"
    )
    assert ask(query) == [
        ("s1", "coder", "work", 2, 2, 1, 2000, 200, Decimal("0.025"), 4.0, "ready_for_testing", "ready"),
        ("s2", "coder", "tests_failed", 2, 2, 1, 2000, 200, Decimal("0.025"), 4.0, "ready_for_testing", None),
        ("s3", "integrity_guard", "review", 1, 0, 0, 1000, 100, None, 2.0, "approved", "well done"),
    ]


def test_a_session_that_runs_has_no_end_and_no_outcome(story: Store, folder: Path, look: Look) -> None:
    with story.write() as tx:
        append(tx, "session.started", "page", {"session_id": "s4", "card": "page", "role": "coder", "purpose": "work"})
        append(tx, "session.started", "page", {"session_id": "s5", "card": "page", "role": "coder", "purpose": "work"})
        append(tx, "session.ended", "page", {"session_id": "s5", "outcome": {"failure": "silent"}})
    drain(story, folder)
    query = (
        "SELECT session_id, rock_id, ended_at IS NULL, outcome, outcome_text"
        " FROM session_history WHERE card_id = 'page'"
    )
    assert look(folder / "snapshot.duckdb", query) == [
        ("s4", "todo", True, None, None),
        ("s5", "todo", False, "failure", "silent"),
    ]


def test_turns_and_tool_calls_are_there_one_by_one(ask: Ask) -> None:
    assert ask("SELECT session_id, number, model, cost FROM turns WHERE session_id = 's1'") == [
        ("s1", 1, "small-model", Decimal("0.0125")),
        ("s1", 2, "small-model", Decimal("0.0125")),
    ]
    assert ask("SELECT turn, tool, arguments ->> 'path', outcome, seconds FROM tool_calls WHERE session_id = 's1'") == [
        (1, "write", "app.py", "denied", 0.5),
        (2, "write", "app.py", "done", 0.5),
    ]


def test_policy_violations_say_how_to_do_it_right(ask: Ask) -> None:
    found = ask("SELECT rule, actor, card_id, session_id, attempted ->> 'path', reason, fix FROM policy_violations")
    assert found == [
        ("path", "coder", "api", "s1", "../out", "outside", "stay inside"),
        ("path", "coder", "api", "s2", "../out", "outside", "stay inside"),
    ]


def test_test_runs_count_single_tests(ask: Ask) -> None:
    assert ask("SELECT suite, commit, passed, tests_passed, tests_failed, seconds FROM test_runs") == [
        ("project", "c1", False, 3, 1, 5.0),
        ("project", "c2", True, 4, None, 5.0),
    ]


def test_a_pull_request_is_followed_from_opened_to_merged(ask: Ask) -> None:
    query = (
        "SELECT repository, number, card_id, attempt, state, merge_commit, reviews, changes_requested, seconds"
        " FROM pull_requests"
    )
    assert ask(query) == [("todo", 1, "api", 1, "merged", "m1", 1, 0, 3.0)]
    assert ask("SELECT number, reviewer, verdict, commit, body FROM reviews") == [
        (1, "integrity_guard", "approved", "c2", "well done")
    ]


def test_lineage_leads_from_the_issue_to_its_merge_and_its_cost(ask: Ask) -> None:
    query = "SELECT card_id, attempt, models, branch, commit, pull_request, merge_commit, sessions, cost FROM lineage"
    assert ask(query) == [("api", 1, ["small-model"], "orket/api/1", "c2", 1, "m1", 3, Decimal("0.05"))]


def test_daily_metrics_count_a_day_of_utc(ask: Ask) -> None:
    query = (
        "SELECT day, cards_done, sessions, turns, tool_calls, denied, input_tokens, cost, test_runs, failed_test_runs"
        ", tests, failed_tests, merges, violations FROM daily_metrics"
    )
    assert ask(query) == [
        (date(2023, 11, 14), 1, 3, 5, 4, 2, 5000, Decimal("0.05"), 2, 1, 8, 1, 1, 2),
        (date(2023, 11, 15), 1, 0, 0, 0, 0, 0, Decimal(0), 0, 0, 0, 0, 0, 0),
    ]


def test_events_keep_the_microsecond(ask: Ask) -> None:
    found = ask("SELECT happened_at, at_microseconds FROM events WHERE kind = 'session.started' LIMIT 1")
    assert found == [(BEGIN + timedelta(seconds=11), 1_700_000_011_000_000)]
    assert ask("SELECT count(*) FROM events WHERE epoch_us(happened_at) <> at_microseconds") == [(0,)]


def test_a_deployment_shows_with_its_address(ask: Ask) -> None:
    query = "SELECT sandbox_id, rock_id, generation, state, commit, url, seconds FROM sandboxes"
    assert ask(query) == [("sandbox-1", "todo", 1, "running", "m1", "http://127.0.0.1:20000", 1.5)]


def test_standing_reviews_tell_of_each_reviewer_what_it_said_last_and_whether_it_holds(
    story: Store, folder: Path, look: Look
) -> None:
    about = {"repository": "todo", "number": 1, "rock": "todo", "attempt": 1}
    asked = {"verdict": "changes_requested", "commit": "c2", "body": "no"}
    kept = {"reviewer": "integrity_guard", "commit": "c3", "body": "the same patch", "approved": "c2"}
    with story.write() as tx:
        for said in (asked, asked | {"verdict": "approved", "body": "yes"}):
            append(tx, "pull_request.reviewed", "api", about | {"reviewer": "technical_reviewer"} | said)
        append(tx, "pull_request.reviewed", "api", about | {"reviewer": "ada"} | asked)
        append(tx, "code.committed", "api", about | {"branch": "orket/api/1", "commit": "c3"})
        append(tx, "pull_request.approval_kept", "api", about | kept)
    drain(story, folder)
    query = "SELECT reviewer, verdict, commit, holds, reviews, changes_requested, body FROM standing_reviews ORDER BY 1"
    assert look(folder / "snapshot.duckdb", query) == [
        ("ada", "changes_requested", "c2", False, 1, 1, "no"),
        ("integrity_guard", "approved", "c3", True, 1, 0, "the same patch"),
        ("technical_reviewer", "approved", "c2", False, 2, 1, "yes"),
    ]


@pytest.mark.parametrize("mart", MARTS)
def test_every_sample_question_has_an_answer(mart: str, ask: Ask) -> None:
    assert ask(SAMPLES[mart])


def test_every_file_of_the_folder_is_a_table() -> None:
    assert sorted(path.stem for path in (HERE / "marts").glob("*.sql")) == sorted(MARTS)


def test_the_catalog_explains_every_table_and_column() -> None:
    tables = describe()
    assert [table.name for table in tables] == list(MARTS)
    silent = [(table.name, column.name) for table in tables for column in table.columns if not column.comment]
    assert silent == []
    assert all(re.fullmatch(r"[A-Z].+\.", table.comment) for table in tables)


def test_costs_are_told_by_card_role_and_model_and_an_unknown_price_is_not_nothing(
    story: Store, folder: Path, look: Look
) -> None:
    silent = {"card": "api", "role": "coder", "turn": 1, "model": "big-model", "answered_by": "small-model"}
    with story.write() as tx:
        append(tx, "model.silent", "api", silent | {"session_id": "s1", "reason": "HTTP 503"})
    drain(story, folder)
    query = (
        "SELECT role, model, rock_id, sessions, turns, unpriced_turns, input_tokens, cost, silences"
        " FROM model_costs WHERE card_id = 'api' ORDER BY role, model"
    )
    assert look(folder / "snapshot.duckdb", query) == [
        ("coder", "big-model", "todo", 0, 0, 0, 0, None, 1),
        ("coder", "small-model", "todo", 2, 4, 0, 4_000, Decimal("0.05"), 0),
        ("integrity_guard", "small-model", "todo", 1, 1, 1, 1_000, None, 0),
    ]
