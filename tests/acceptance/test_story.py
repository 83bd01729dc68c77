"""From cards to the end of a bug-fix phase, on a real engine with a real browser, while a week passes on the clocks.

A rock of two issues is delivered. A browser finds what tests and reviewer let through, and the issue goes back. In the
phase that follows a person finds bugs, and the night one; it is extended by bugs, then by a person, and ends.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from orket_pipelines.containers import installation_id, open_engine
from orket_pipelines.containers.model import OWNER
from tests.acceptance.kiosk import DAY, Clocks, Kiosk

pytestmark = [pytest.mark.slow, pytest.mark.docker, pytest.mark.timeout(600)]

STORIES = Path(__file__).parent / "stories"
BOARD = "A board that says when it is open"
CRITICAL = "kiosk-bug-the-price-of-tea-is-missing"
NIGHTLY = "kiosk-bug-menu-there-is-a-menu"
HIGH = ("The door sticks", "The light is off", "The till rings twice", "The sign is upside down")
PHASES = '{"days": 2, "extension_days": 2}'


@pytest.fixture(scope="module")
def kiosk(workbench_image: str, e2e_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kiosk]:
    """The whole story, played once: the tests look at what it left."""
    home = tmp_path_factory.mktemp("story") / "home"
    environment = {
        "ORKET_HOME": str(home),
        "ORKET_PLAYBOOKS": str(STORIES),
        "ORKET_ISOLATION": "container",
        "ORKET_WORKBENCH_IMAGE": workbench_image,
        "ORKET_E2E_IMAGE": e2e_image,
        "ORKET_BUG_PHASES": PHASES,
    }
    # From noon on, so that no midnight falls into a delivery.
    clocks = Clocks(DAY / 2 - time.time() % DAY - 8 * DAY)
    with pytest.MonkeyPatch.context() as machine, DagsterInstance.ephemeral() as instance:
        machine.setattr("orket_pipelines.clock.time", clocks)
        kiosk = Kiosk(environment, instance, clocks)
        try:
            _deliver(kiosk)
            _find_bugs(kiosk)
            _extend_and_end(kiosk)
            yield kiosk
        finally:
            kiosk.orket("sandboxes", "down", "--all")


def _deliver(kiosk: Kiosk) -> None:
    kiosk.orket("cards", "import", STORIES / "kiosk" / "cards")
    kiosk.tick("report_events")
    assert kiosk.launch("deliver_rock", "kiosk").status is DagsterRunStatus.SUCCESS
    assert kiosk.tick("bug_phases") == []


def _find_bugs(kiosk: Kiosk) -> None:
    kiosk.orket("bugs", "report", "kiosk", "The price of tea is missing", "--severity", "critical")
    kiosk.tick("report_events")
    (fixed,) = kiosk.tick("bug_phases", ORKET_AUTOMATION="true")
    assert (fixed.job_name, fixed.status) == ("fix_critical_bugs", DagsterRunStatus.SUCCESS)
    kiosk.days_pass(1)
    (tried,) = kiosk.night_falls()
    assert (tried.job_name, tried.status) == ("nightly_verification", DagsterRunStatus.SUCCESS)
    for name in HIGH:
        kiosk.orket("bugs", "report", "kiosk", name, "--priority", "3")
    kiosk.tick("report_events")


def _extend_and_end(kiosk: Kiosk) -> None:
    kiosk.days_pass(1.1)
    assert kiosk.tick("bug_phases")
    kiosk.tick("report_events")
    kiosk.orket("bugs", "phase", "extend", "kiosk", "--days", "2", "--reason", "the fair")
    for bug in kiosk.told("bugs", "list")[:2]:
        kiosk.orket("cards", "move", bug["id"], "canceled", "--as", "project_manager", "--note", "not ours")
    kiosk.tick("report_events")
    kiosk.days_pass(4)
    assert kiosk.tick("bug_phases")
    kiosk.tick("report_events")


def test_dagster_shows_the_way_of_each_issue(kiosk: Kiosk) -> None:
    states = ["ready", "in_progress", "ready_for_testing", "code_review"]
    for issue, name, ways in (("page", "A page", states), ("board", BOARD, [*states, *states[1:]])):
        assert kiosk.made("cards", f"kiosk-{issue}") == [f"{name}: {state}" for state in [*ways, "done"]]
        assert kiosk.made("delivered", f"kiosk-{issue}") == [f"{name} is delivered"]
    assert kiosk.made("generated_code", "kiosk-board") == [BOARD, BOARD]
    stages = ("open, not reviewed yet", "open, integrity_guard approved", "merged, integrity_guard approved")
    merged = [f"#{number} {stage}" for number in (2, 3) for stage in stages]
    assert kiosk.made("pull_requests", "kiosk-board") == merged
    came_in = dict.fromkeys(told.partition(" came in")[0] for told in kiosk.made("mainline", "kiosk"))
    assert list(came_in) == ["A page", BOARD, "The price of tea is missing"]
    assert len(set(kiosk.made("sandboxes", "kiosk"))) == 4


def test_dagster_judges_every_suite_of_an_issue_and_remembers_what_failed(kiosk: Kiosk) -> None:
    assert kiosk.judged("test_reports", "e2e_suites_passed", "kiosk-board") == ["red", "green"]
    for check in ("tests_passed", "application_healthy"):
        assert kiosk.judged("test_reports", check, "kiosk-board") == ["green"]
    assert kiosk.judged("test_reports", "e2e_suites_passed", "kiosk-page") == []
    assert kiosk.judged("pull_requests", "review_approved", "kiosk-board") == ["green"]
    about = kiosk.metadata("test_reports", "kiosk-board")
    assert (about["suite cases passed"], about["suite cases failed"], about["attempt"]) == (2, 0, 2)
    assert (about["passed"], about["failed"]) == (1, 0)
    assert about["picture"].startswith("![board.png, taken by the suite board](data:image/png;base64,")


def test_dagster_asks_for_what_is_due_and_its_checks_of_the_phase_turn_red(kiosk: Kiosk) -> None:
    asked = [each.job_name or each.tags.get("dagster/schedule_name") for each in kiosk.requested]
    due = ["fix_critical_bugs", "nightly_verification", "look_after_bug_phases", "look_after_bug_phases"]
    assert [each for each in asked if each] == due
    assert kiosk.judged("bug_phases", "no_high_bugs", "kiosk") == ["green", "yellow", "green", "red", "yellow"]
    assert kiosk.judged("bug_phases", "rate_within_limit", "kiosk") == ["green", "red", "green"]
    told = kiosk.made("bug_phases", "kiosk")
    assert told[0] == "active, after 0 of 2 days. 0 bugs were found, 0 fixed."
    extended = [each.partition(" of ")[2] for each in dict.fromkeys(told) if each.startswith("extended, after 2.1")]
    came = "6 bugs were found, 1 fixed."
    assert extended == [f"4 days: 4 bugs of priority 3 are open, more than 3. {came}", f"6 days: the fair. {came}"]
    assert told[-1].startswith("completed, after 6.1")
    assert told[-1].endswith(f"of 6 days: its 6 days are over. {came} What was open went to kiosk-phase2.")
    assert kiosk.judged("sandboxes", "answers", "kiosk") == ["green"]
    assert kiosk.made("rocks", "kiosk-phase2")[-1].endswith(": 0 of 3 issues are done")
    assert kiosk.made("delivered", CRITICAL) == ["The price of tea is missing is delivered"]


def test_sql_tells_of_attempts_tests_and_reviews(kiosk: Kiosk) -> None:
    requests = "SELECT number, card_id, attempt, state, reviews, changes_requested FROM pull_requests ORDER BY number"
    assert kiosk.sql(requests) == [
        (1, "kiosk-page", 1, "merged", 1, 0),
        (2, "kiosk-board", 1, "merged", 1, 0),
        (3, "kiosk-board", 2, "merged", 1, 0),
        (4, CRITICAL, 1, "merged", 1, 0),
    ]
    runs = "SELECT attempt, suite, kind, purpose, passed FROM test_runs WHERE card_id = '{}' ORDER BY seq"
    assert kiosk.sql(runs.format("kiosk-board")) == [
        (1, "project", "project", "head", True),
        (1, "healthy", "healthy", "sandbox", True),
        (1, "board", "e2e", "sandbox", False),
        (2, "project", "project", "head", True),
        (2, "healthy", "healthy", "sandbox", True),
        (2, "board", "e2e", "sandbox", True),
    ]
    tried = [(each[1], each[4]) for each in kiosk.sql(runs.format("kiosk"))]
    assert tried == [("healthy", True), ("board", True), ("menu", False)]
    results = "SELECT attempt, name, outcome FROM test_results WHERE suite = 'board' AND card_id = 'kiosk-board'"
    assert [(attempt, outcome) for attempt, _, outcome in kiosk.sql(results)] == [(1, "failed"), (2, "passed")]
    times = "SELECT state, attempts, sent_back, cycle_seconds > 0 FROM issue_cycle_times WHERE card_id = 'kiosk-board'"
    assert kiosk.sql(times) == [("done", 2, 1, True)]
    assert kiosk.sql("SELECT count(*), min(outcome), max(outcome) FROM review_cycles") == [(4, "approved", "approved")]
    assert kiosk.sql("SELECT sum(sessions), sum(turns) FROM model_costs") == [(8, 8)]
    assert kiosk.sql("SELECT attempts, merged FROM agent_scorecard WHERE role = 'coder'") == [(4, 4)]
    assert kiosk.sql("FROM flaky_tests") == []


def test_sql_tells_of_the_phase_and_its_bugs_by_day(kiosk: Kiosk) -> None:
    phase = "SELECT state, planned_days, extensions, found, fixed, rate, left_to, sessions FROM bug_phase_summary"
    assert kiosk.sql(phase) == [("completed", 6.0, 2, 6, 1, 1.0, "kiosk-phase2", 2)]
    assert kiosk.sql("SELECT day, found, fixed, open_at_end FROM bug_rates WHERE day <= 3") == [
        (1, 1, 1, 0),
        (2, 5, 0, 5),
        (3, 0, 0, 5),
    ]
    bugs = kiosk.sql("SELECT card_id, severity, source, state FROM bugs ORDER BY found_at")
    assert bugs[:2] == [(CRITICAL, "critical", "person", "done"), (NIGHTLY, "major", "verification", "ready")]
    assert [state for *_, state in bugs[2:]] == ["canceled", "canceled", "ready", "ready"]
    uptime = "SELECT up_seconds > 0, down_seconds FROM sandbox_uptime ORDER BY day LIMIT 1"
    assert kiosk.sql(uptime) == [(True, 0.0)]


def test_nothing_runs_any_more_the_logs_are_kept_and_the_rest_is_the_second_rocks(kiosk: Kiosk) -> None:
    home = Path(kiosk.environment["ORKET_HOME"])
    engine, ours = open_engine(home), {OWNER: installation_id(home)}
    assert (engine.containers(ours), engine.networks(ours)) == ([], [])
    assert kiosk.sql("SELECT state FROM sandboxes ORDER BY seq DESC LIMIT 1") == [("deleted",)]
    left = home / "artifacts" / "default" / "kiosk" / "bug-phase"
    assert "GET / " in (left / "page.log").read_text()
    assert "The sign is upside down" in (left / "report.html").read_text()
    open_bugs = {bug["id"]: bug["rock_id"] for bug in kiosk.told("bugs", "list")}
    assert len(open_bugs) == 3
    assert set(open_bugs.values()) == {"kiosk-phase2"}


def test_one_page_tells_it_all(kiosk: Kiosk, tmp_path: Path) -> None:
    kiosk.orket("rocks", "open", "kiosk", "--html", tmp_path / "kiosk.html")
    page = (tmp_path / "kiosk.html").read_text()
    said = ["A kiosk with a board <i>done</i>", "3 of 5 issues are done, in 4 attempts.", "sandbox is deleted"]
    said += ["A page <i>done</i>", "Attempt 1", "pull request #1, merged as", "integrity_guard: approved"]
    said += [f"{BOARD} <i>done</i>", "Attempt 1", "suite board on the sandbox", "<i>failed</i>", "Open from 9 to 5"]
    said += ['<img alt="board.png"', "Attempt 2", "pull request #3, merged as", "suite board", "<i>passed</i>"]
    said += ["The price of tea is missing <i>done</i>", "pull request #4, merged as"]
    said += ["tried again at night", "suite menu", "<i>failed</i>", "expected status 200, got 404"]
    said += [
        "Its bug-fix phase",
        "its 6 days are over",
        "What was open went to kiosk-phase2.",
        "<svg",
        "extensions</th>",
    ]
    said += ["<td>2</td>", CRITICAL, NIGHTLY, "The sign is upside down", "page.log", "What happened"]
    said += ["kiosk-board: code_review → in_progress", "kiosk-board: code_review → done", "in_progress → done"]
    said += ["its bug-fix phase is active", "a critical bug, found by", "found by nightly", "is extended, of 4 days"]
    said += ["is extended, of 6 days: the fair", "is completed, of 6 days: its 6 days are over"]
    place = 0
    for words in said:
        place = page.find(words, place)
        assert place >= 0, words
    assert "href=" not in page
    assert 'src="http' not in page


def test_the_days_of_the_story_show_as_pictures_in_dagster(kiosk: Kiosk) -> None:
    ((day,),) = kiosk.sql("SELECT CAST(min(happened_at) AS DATE) FROM events")
    counted = kiosk.metadata("daily_metrics", day)
    assert (counted["merges"], counted["cards done"]) == (4.0, 3.0)
    for asset, name in (("daily_metrics", "cycle times"), ("daily_metrics", "uptime"), ("bug_rates", "by day")):
        assert "](data:image/svg+xml;base64," in kiosk.metadata(asset, day)[name]
