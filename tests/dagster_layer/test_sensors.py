"""Sensors decide, say why, and have no effects."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    DefaultSensorStatus,
    RunRequest,
    SensorDefinition,
    SensorResult,
    SkipReason,
    build_sensor_context,
)
from dagster._core.storage.dagster_run import DagsterRun

from definitions import defs
from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import begin
from orket_pipelines.cards.bugs import Finding, report
from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.records import get_card, insert_cards, move_card, update_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.clock import MICROSECONDS, FakeClock
from orket_pipelines.delivery.places import ISSUE
from orket_pipelines.sandboxes import Deployment, MemorySandboxes, Sandbox, SandboxState
from orket_pipelines.store import Store
from orket_pipelines.store import tables as store_tables
from resources.leases import ISSUES
from sensors import SENSORS
from sensors.bug_phases import bug_phases
from sensors.bug_rates import bug_rates
from sensors.ready_rocks import ready_rocks
from sensors.report_events import report_events_sensor
from sensors.sandbox_health import sandbox_health, why_look
from sensors.stale_work import stale_work

pytestmark = pytest.mark.slow

Launch = Callable[..., DagsterRun]
OBSERVING = [report_events_sensor, ready_rocks, stale_work, sandbox_health, bug_rates, bug_phases]


def tick(sensor: SensorDefinition, instance: DagsterInstance, cursor: str | None = None) -> SensorResult:
    """One evaluation, as the daemon makes it."""
    context = build_sensor_context(instance=instance, cursor=cursor, definitions=defs)
    answer = sensor(context)
    if isinstance(answer, SkipReason):
        return SensorResult(skip_reason=answer)
    assert isinstance(answer, SensorResult)
    return answer


def why(result: SensorResult) -> str:
    return str(result.skip_reason and result.skip_reason.skip_message)


def requests(result: SensorResult) -> list[RunRequest]:
    return list(result.run_requests or [])


@pytest.mark.sqlite
@pytest.mark.parametrize("sensor", OBSERVING, ids=lambda sensor: str(sensor.name))
def test_before_the_first_card_a_sensor_says_how_to_import_one_and_makes_no_database(
    sensor: SensorDefinition, home: Path, instance: DagsterInstance
) -> None:
    assert "orket cards import" in why(tick(sensor, instance))
    assert not home.exists()


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: str(sensor.name))
def test_every_sensor_explains_itself_runs_by_default_and_has_a_target(sensor: SensorDefinition) -> None:
    assert len(sensor.description or "") > 80
    assert sensor.default_status is DefaultSensorStatus.RUNNING
    assert sensor.targets


def test_imported_cards_become_partitions_and_a_bridging_run_is_asked_for(
    shop: Store, instance: DagsterInstance
) -> None:
    result = tick(report_events_sensor, instance)
    added = {each.partitions_def_name: list(each.partition_keys) for each in result.dynamic_partitions_requests or []}
    assert added == {"rocks": ["shop"], "issues": ["shop-cart", "shop-till"]}
    assert len(requests(result)) == 1
    assert result.cursor == "0 of 4 events are dealt with"


def test_nothing_is_asked_for_twice(shop: Store, instance: DagsterInstance, launch: Launch) -> None:
    instance.add_dynamic_partitions("rocks", ["shop"])
    instance.add_dynamic_partitions("issues", ["shop-cart", "shop-till"])
    launch("report_events")
    result = tick(report_events_sensor, instance)
    assert requests(result) == []
    assert not result.dynamic_partitions_requests
    assert why(result) == "Nothing to report: 4 of 4 events are dealt with."


def test_while_automation_is_off_ready_rocks_says_what_would_start_and_how_to_switch_it_on(
    shop: Store, instance: DagsterInstance
) -> None:
    result = tick(ready_rocks, instance)
    assert requests(result) == []
    assert "ORKET_AUTOMATION=true" in why(result)
    assert "shop (1 issues)" in why(result)
    assert result.cursor == '{"shop": ["shop-cart"]}'


def test_with_automation_on_a_ready_rock_is_started_once_for_what_is_ready(
    shop: Store, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_AUTOMATION", "true")
    instance.add_dynamic_partitions("rocks", ["shop"])
    first, second = (requests(tick(ready_rocks, instance)) for _ in range(2))
    assert [(each.partition_key, each.job_name) for each in first] == [("shop", None)]
    assert [each.run_key for each in first] == [each.run_key for each in second]


def test_a_rock_of_higher_priority_leaves_the_queue_of_runs_first(
    shop: Store, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_AUTOMATION", "true")
    instance.add_dynamic_partitions("rocks", ["shop"])
    with shop.write() as tx:
        update_card(tx, replace(get_card(tx, "shop"), priority=7.0))
    [request] = requests(tick(ready_rocks, instance))
    assert request.tags["dagster/priority"] == "7"


def test_an_issue_whose_dependency_is_not_done_makes_no_rock_ready(shop: Store, instance: DagsterInstance) -> None:
    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    blocked = Move(CardState.BLOCKED, "system", wait_reason=WaitReason.INPUT, note="which currency?")
    move_card(shop, "shop-cart", blocked)
    assert why(tick(ready_rocks, instance)).startswith("No issue is ready")


def leave_behind(store: Store, name: str) -> None:
    """A lease whose owner's process is gone: it has our machine's name, and a process that started at no time."""
    from orket_pipelines.store.leases import _machine

    row = {"name": name, "owner": f"{_machine()}/1/0/x", "token": 1, "renewals": 0, "acquired_at": 0}
    with store.write() as tx:
        tx.execute(store_tables.leases.insert(), {"workspace_id": tx.workspace_id, **row})


def test_an_issue_whose_worker_died_is_named_with_the_command_that_takes_it_up(
    shop: Store, instance: DagsterInstance
) -> None:
    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    leave_behind(shop, f"{ISSUE}shop-cart")
    told = why(tick(stale_work, instance))
    assert "Left by a dead worker: shop-cart. Take them up: orket rocks deliver shop." in told


def test_with_automation_on_the_rock_of_a_dead_worker_is_started_again(
    shop: Store, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORKET_AUTOMATION", "true")
    instance.add_dynamic_partitions("rocks", ["shop"])
    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    leave_behind(shop, f"{ISSUE}shop-cart")
    assert [(each.job_name, each.partition_key) for each in requests(tick(stale_work, instance))] == [
        ("deliver_rock", "shop")
    ]


def test_a_run_whose_process_died_is_ended(shop: Store, instance: DagsterInstance, launch: Launch) -> None:
    dead = instance.create_run_for_job(defs.resolve_job_def("deliver_rock"), tags={"dagster/partition": "shop"})
    instance.report_dagster_event(_start_of(dead), dead.run_id)
    leave_behind(shop, f"run:{dead.run_id}")
    assert [each.job_name for each in requests(tick(stale_work, instance))] == ["end_lost_runs"]
    launch("end_lost_runs")
    ended = instance.get_run_by_id(dead.run_id)
    assert ended is not None
    assert ended.is_failure
    assert why(tick(stale_work, instance)) == "No worker died at its work."


def _start_of(run: DagsterRun):  # type: ignore[no-untyped-def] # noqa: ANN202 - an event of Dagster's own
    from dagster import DagsterEvent, DagsterEventType

    return DagsterEvent(event_type_value=DagsterEventType.RUN_START.value, job_name=run.job_name)


def test_the_bug_rate_counts_bugs_found_in_the_phase(home: Path, instance: DagsterInstance) -> None:
    clock = FakeClock()
    from orket_pipelines.settings import load_settings

    store = Store.open(load_settings(home=home).store_url, clock=clock)
    with store.write() as tx:
        insert_cards(tx, [Card("shop", CardKind.ROCK, "A shop", rock_id="shop")])
        assert report(tx, "shop", Finding("It was broken before", "")).card.id
    assert "No bug-fix phase goes on" in why(tick(bug_rates, instance))
    with store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE cards SET state = 'done'")
        begin(tx, get_card(tx, "shop"), clock.moment(), BugPhases())
    clock.advance(86_400)
    with store.write() as tx:
        report(tx, "shop", Finding("It fails", ""))
    from assets.bugs import bug_rates_of

    with store.read() as tx:
        (rate,) = bug_rates_of(tx, at=clock.now() + MICROSECONDS)
    assert (rate.bugs, rate.days, rate.rate) == (1, 1, 1.0)
    result = tick(bug_rates, instance)
    assert len(requests(result)) == 1
    assert requests(tick(bug_rates, instance, result.cursor)) == []
    store.close()


def test_the_prefix_of_issue_leases_is_the_worker_s_own() -> None:
    assert ISSUES == ISSUE


def deployed(shop: Store) -> Sandbox:
    """A sandbox that is recorded as running; nothing listens at its address."""
    deployment = Deployment("shop", "shop", "c0ffee", Path("nowhere"))
    return MemorySandboxes(shop).deploy(deployment, stop=threading.Event())


def test_a_sandbox_that_does_not_answer_is_looked_at(shop: Store, instance: DagsterInstance) -> None:
    deployed(shop)
    result = tick(sandbox_health, instance)
    assert [request.tags["orket/sandboxes"] for request in requests(result)] == ["shop"]
    assert json.loads(result.cursor or "") == {"shop": "it does not answer"}


def test_without_sandboxes_the_health_sensor_says_that_all_is_as_recorded(
    shop: Store, instance: DagsterInstance
) -> None:
    assert why(tick(sandbox_health, instance)) == "0 sandboxes run, and all of them as recorded."


@pytest.mark.parametrize(
    ("state", "answers", "age", "reason"),
    [
        (SandboxState.RUNNING, True, 0, None),
        (SandboxState.RUNNING, False, 0, "it does not answer"),
        (SandboxState.UNHEALTHY, True, 0, "it answers again"),
        (SandboxState.UNHEALTHY, False, 0, None),
        (SandboxState.STOPPED, False, 0, None),
        (SandboxState.STOPPED, False, 2**60, "its time is over"),
    ],
)
def test_a_sandbox_is_looked_at_where_it_differs_from_its_record(
    shop: Store, state: SandboxState, answers: bool, age: int, reason: str | None
) -> None:
    assert why_look(replace(deployed(shop), state=state), age, answers=answers) == reason


def test_a_sandbox_that_nobody_looked_at_for_ten_minutes_is_looked_at(shop: Store) -> None:
    """Else nothing would be known of how long it was up."""
    sandbox = deployed(shop)
    late = 600 * MICROSECONDS
    assert why_look(sandbox, 0, answers=True, unseen=late) == "nobody looked for a while"
    assert why_look(sandbox, 0, answers=True, unseen=late - 1) is None
    assert why_look(replace(sandbox, state=SandboxState.STOPPED), 0, answers=False, unseen=late) is None
