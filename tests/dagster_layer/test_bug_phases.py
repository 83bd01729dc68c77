"""The bug-fix phase in Dagster: noticed by the sensor, looked after by jobs, shown with a picture, red where bad."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    DagsterRunStatus,
    DefaultScheduleStatus,
    RunRequest,
    SensorResult,
    build_sensor_context,
    materialize,
)
from dagster._core.storage.dagster_run import DagsterRun

from assets.bug_phases import phase_reports
from assets.model import Judged, Made
from assets.watching import watch_rock
from definitions import defs
from jobs.reporting import failure_of
from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import PhaseState, begin, get_phase
from orket_pipelines.bugs.model import DAY
from orket_pipelines.bugs.records import update_phase
from orket_pipelines.cards.bugs import Finding, Severity, bugs_of, report
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.store import Store
from resources import RESOURCES
from resources.feed import all_events
from sensors import SCHEDULES
from sensors.bug_phases import bug_phases
from sensors.ready_rocks import startable_issues

pytestmark = pytest.mark.slow
Launch = Callable[..., DagsterRun]
RULES = BugPhases()


@pytest.fixture
def delivered(shop: Store) -> Store:
    with shop.write() as tx:
        tx.connection.exec_driver_sql("UPDATE cards SET state = 'done'")
    return shop


@pytest.fixture
def phase(delivered: Store) -> Store:
    with delivered.write() as tx:
        begin(tx, get_card(tx, "shop"), delivered.clock.moment(), RULES)
    return delivered


def found(store: Store, name: str, severity: Severity = Severity.CRITICAL, *, rock: str = "shop") -> str:
    with store.write() as tx:
        return report(tx, rock, Finding(name, "Look.", severity)).card.id


def states(store: Store) -> dict[str, str]:
    """Where each bug stands, by its name."""
    with store.read() as tx:
        return {bug.card.name: str(bug.card.state) for bug in bugs_of(tx)}


def time_is_over(store: Store) -> None:
    with store.write() as tx:
        update_phase(tx, get_phase(tx, "shop"), elapsed=7 * DAY)


def tick(instance: DagsterInstance) -> tuple[list[RunRequest], str, dict[str, object]]:
    """What is asked for, why nothing is, and the cursor."""
    result = bug_phases(build_sensor_context(instance=instance, definitions=defs))
    assert isinstance(result, SensorResult)
    told = str(result.skip_reason and result.skip_reason.skip_message)
    return list(result.run_requests or ()), told, json.loads(result.cursor or "{}")


def test_a_phase_is_begun_and_ended_by_the_runs_that_the_sensor_asks_for(
    delivered: Store, instance: DagsterInstance, launch: Launch
) -> None:
    for due, state in (("it is to begin", PhaseState.ACTIVE), ("end", PhaseState.COMPLETED)):
        (request,), _, cursor = tick(instance)
        assert (request.job_name, cursor["due"]) == ("look_after_bug_phases", {"shop": due})
        assert launch("look_after_bug_phases").status is DagsterRunStatus.SUCCESS
        with delivered.read() as tx:
            assert get_phase(tx, "shop").state is state
        if state is PhaseState.ACTIVE:
            assert tick(instance)[1].startswith("Nothing is due")
            time_is_over(delivered)
    assert tick(instance)[0] == []


def test_critical_bugs_start_a_run_where_automation_is_on(
    phase: Store, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(phase, "slow", Severity.MINOR)
    assert tick(instance)[0] == []
    found(phase, "blank")
    requests, told, _ = tick(instance)
    assert (requests, told.endswith("Critical bugs: shop (1).")) == ([], True)
    monkeypatch.setenv("ORKET_AUTOMATION", "true")
    instance.add_dynamic_partitions("rocks", ["shop"])
    (request,), _, _ = tick(instance)
    assert (request.job_name, request.partition_key) == ("fix_critical_bugs", "shop")
    with phase.read() as tx:
        assert startable_issues(tx) == {}


SCENE = """
  {card}:
    coder:
      - purpose: work
        turns:
          - calls:
              - write_file: {{path: {card}.txt, content: "mended"}}
              - request_state: {{state: ready_for_testing, summary: It is mended.}}
    integrity_guard:
      - purpose: review
        turns:
          - calls:
              - submit_review: {{verdict: approve, body: It holds.}}
"""
ASKS = """
  {card}:
    coder:
      - purpose: work
        turns:
          - calls:
              - request_state: {{state: blocked, wait_reason: input, summary: "Which colour?"}}
"""


@pytest.fixture
def stall(factory_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A rock in its phase whose bugs `blank` and `slow` the scripted model can mend; of `grey` it asks something."""
    folder = tmp_path / "playbooks" / "stall"
    folder.mkdir(parents=True)
    scenes = [SCENE.format(card=f"stall-bug-{name}") for name in ("blank", "slow", "small")]
    (folder / "playbook.yaml").write_text("cards:" + "".join([*scenes, ASKS.format(card="stall-bug-grey")]))
    monkeypatch.setenv("ORKET_PLAYBOOKS", str(folder.parent))
    details = {"params": {"test_command": ["python", "-c", "print('1 passed')"]}}
    with factory_store.write() as tx:
        insert_cards(tx, [Card("stall", CardKind.ROCK, "A stall", CardState.DONE, rock_id="stall", details=details)])
        begin(tx, get_card(tx, "stall"), factory_store.clock.moment(), RULES)
    return factory_store


def test_the_job_fixes_the_critical_bugs_of_a_rock_and_leaves_the_others(
    stall: Store, instance: DagsterInstance, launch: Launch, told: Callable[[str, str], list[str]]
) -> None:
    for name in ("blank", "slow"):
        found(stall, name, rock="stall")
    found(stall, "small", Severity.MINOR, rock="stall")
    assert launch("fix_critical_bugs", partition="stall").status is DagsterRunStatus.SUCCESS
    assert states(stall) == {"blank": "done", "slow": "done", "small": "ready"}
    for name in ("blank", "slow"):
        assert told("delivered", f"stall-bug-{name}") == [f"{name} is delivered"]
        assert len(told("pull_requests", f"stall-bug-{name}")) == 3
    assert told("bug_phases", "stall")[-1].endswith("3 bugs were found, 2 fixed.")
    turns = sum(event.kind == "turn.completed" for event in all_events(stall))
    assert launch("fix_critical_bugs", partition="stall").status is DagsterRunStatus.SUCCESS
    assert sum(event.kind == "turn.completed" for event in all_events(stall)) == turns


def test_the_job_is_red_for_a_critical_bug_that_is_not_fixed_and_names_it_after_all_have_ended(
    stall: Store, instance: DagsterInstance, launch: Launch
) -> None:
    for name in ("grey", "blank"):
        found(stall, name, rock="stall")
    run = launch("fix_critical_bugs", partition="stall")
    assert run.status is DagsterRunStatus.FAILURE
    assert states(stall) == {"grey": "blocked", "blank": "done"}
    said = failure_of(instance, run.run_id)["steps"]["fix"]
    assert "stall-bug-grey is blocked (input: Which colour?)" in said
    assert "orket issues deliver stall-bug-grey" in said
    assert "stall-bug-blank" not in said


def test_a_phase_shows_its_bugs_by_day_as_a_picture_and_turns_red(phase: Store) -> None:
    for name in ("a|b", "c", "d"):
        found(phase, name)
    made, rate, high = phase_reports(phase, "shop", RULES)
    assert isinstance(made, Made)
    assert isinstance(rate, Judged)
    assert isinstance(high, Judged)
    picture = str(made.metadata["by day"].value)  # type: ignore[union-attr]
    assert base64.b64decode(picture.partition("base64,")[2].rstrip(")")).startswith(b"<svg")
    assert (made.metadata["found"], made.metadata["open"]) == (3, 3)
    assert (rate.passed, high.passed, high.severity.value) == (True, False, "WARN")
    found(phase, "e")
    for name in "fg":
        found(phase, name, Severity.MINOR)
    again, rate, high = phase_reports(phase, "shop", RULES)
    assert isinstance(again, Made)
    assert isinstance(rate, Judged)
    assert isinstance(high, Judged)
    assert again.version != made.version
    assert (rate.passed, high.severity.value) == (False, "ERROR")
    assert phase_reports(phase, "nothing", RULES) == []


def test_what_happens_in_a_phase_is_told_by_the_bridge(
    phase: Store, instance: DagsterInstance, launch: Launch, told: Callable[[str, str], list[str]]
) -> None:
    instance.add_dynamic_partitions("rocks", ["shop"])
    found(phase, "blank")
    assert launch("report_events").status is DagsterRunStatus.SUCCESS
    assert told("bug_phases", "shop")[-1].endswith("1 bug was found, 0 fixed.")
    key = AssetCheckKey(AssetKey("bug_phases"), "no_high_bugs")
    (failing,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert str(failing.status.value) == "FAILED"


def test_materializing_a_phase_looks_after_it(
    phase: Store, instance: DagsterInstance, told: Callable[[str, str], list[str]]
) -> None:
    instance.add_dynamic_partitions("rocks", ["shop"])
    time_is_over(phase)
    assert materialize([watch_rock], instance=instance, partition_key="shop", resources=RESOURCES).success
    assert told("bug_phases", "shop")[-1].startswith("completed, after 7 of 7 days")


def test_the_night_tries_what_runs_and_looks_after_phases(phase: Store, launch: Launch) -> None:
    time_is_over(phase)
    assert launch("nightly_verification").status is DagsterRunStatus.SUCCESS
    with phase.read() as tx:
        assert get_phase(tx, "shop").state is PhaseState.COMPLETED
    (schedule,) = SCHEDULES
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 3 * * *", "UTC")
    assert schedule.default_status is DefaultScheduleStatus.RUNNING
