"""Rocks delivered by the jobs and assets themselves, with the shipped scripted model, in this process."""

from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import AssetCheckKey, AssetKey, AssetsDefinition, DagsterInstance, DagsterRunStatus, materialize
from dagster._core.storage.dagster_run import DagsterRun

from assets.work import make_issue, make_rock
from jobs.threads_executor import threads_executor
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.store import Store
from resources import RESOURCES
from resources.feed import all_events

pytestmark = pytest.mark.slow

Launch = Callable[..., DagsterRun]
Told = Callable[[str, str], list[str]]
ROCKS = Path(__file__).parents[1] / "acceptance" / "rocks"
PASSES = {"test_command": ["python", "-c", "print('1 passed')"]}


@pytest.fixture
def rocks(factory_store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The rocks `quay` (one issue) and `lighthouse` (three, of which the tower asks a question first)."""
    monkeypatch.setenv("ORKET_PLAYBOOKS", str(ROCKS))
    with factory_store.write() as tx:
        for rock, issues in {"quay": ["wall"], "lighthouse": ["lamp", "tower"]}.items():
            insert_cards(tx, [Card(rock, CardKind.ROCK, rock, rock_id=rock, details={"params": PASSES})])
            insert_cards(tx, [_issue(rock, issue) for issue in issues])
        keeper = _issue("lighthouse", "keeper", depends_on=("lighthouse-tower",))
        insert_cards(tx, [keeper])
    return factory_store


def _issue(rock: str, name: str, depends_on: tuple[str, ...] = ()) -> Card:
    return Card(f"{rock}-{name}", CardKind.ISSUE, f"A {name}", parent_id=rock, rock_id=rock, depends_on=depends_on)


def turns(store: Store) -> int:
    """Answers of the model so far."""
    return sum(event.kind == "turn.completed" for event in all_events(store))


def failures(instance: DagsterInstance, run_id: str) -> dict[str, str]:
    from jobs.reporting import failure_of

    steps: dict[str, str] = failure_of(instance, run_id)["steps"]
    return steps


def test_a_delivered_rock_has_every_station_of_its_issues_reported_by_the_run_itself(
    rocks: Store, launch: Launch, told: Told
) -> None:
    assert launch("deliver_rock", partition="quay").status is DagsterRunStatus.SUCCESS
    assert told("delivered", "quay-wall") == ["A wall is delivered"]
    assert len(told("generated_code", "quay-wall")) == 1
    assert told("pull_requests", "quay-wall")[-1] == "#1 merged, integrity_guard approved"
    assert told("test_reports", "quay-wall") == ["the branch: passed (1 passed)"]
    assert told("mainline", "quay")[0].startswith("A wall came in as ")
    assert told("rocks", "quay")[-1] == "quay: 1 of 1 issues are done"


def test_the_bridge_repeats_nothing_of_what_a_run_reported(rocks: Store, launch: Launch, told: Told) -> None:
    launch("deliver_rock", partition="quay")
    stations = ("cards", "generated_code", "pull_requests", "test_reports", "delivered")
    before = {asset: told(asset, "quay-wall") for asset in stations}
    launch("report_events")
    after = {asset: told(asset, "quay-wall") for asset in stations}
    # Only the import of the card was nobody's.
    assert after.pop("cards") == [*before.pop("cards"), "A wall: ready"]
    assert after == before


def test_a_blocked_issue_and_what_waits_for_it_fail_their_steps_and_say_which_is_which(
    rocks: Store, launch: Launch, instance: DagsterInstance
) -> None:
    run = launch("deliver_rock", partition="lighthouse")
    told = failures(instance, run.run_id)
    assert run.status is DagsterRunStatus.FAILURE
    assert set(told) == {"deliver[lighthouse_tower]", "deliver[lighthouse_keeper]"}
    assert told["deliver[lighthouse_tower]"].startswith("lighthouse-tower is blocked (input: How high")
    assert told["deliver[lighthouse_keeper]"].startswith("lighthouse-keeper was not started: it waits for")
    assert "orket issues deliver lighthouse-tower" in told["deliver[lighthouse_tower]"]


def test_a_failed_run_is_recorded_in_the_event_log_once(
    rocks: Store, launch: Launch, instance: DagsterInstance
) -> None:
    failed = launch("deliver_rock", partition="lighthouse")
    config = {"ops": {"record": {"config": {"run_id": failed.run_id}}}}
    for _ in range(2):
        launch("record_run_failures", run_config=config)
    (event,) = [event for event in all_events(rocks) if event.kind == "run.failed"]
    assert event.subject == failed.run_id
    assert event.payload["partition"] == "lighthouse"
    assert set(event.payload["steps"]) == {"deliver[lighthouse_tower]", "deliver[lighthouse_keeper]"}


def test_deliver_issue_takes_up_an_issue_whatever_it_waited_for(rocks: Store, launch: Launch) -> None:
    launch("deliver_rock", partition="lighthouse")
    assert launch("deliver_issue", partition="lighthouse-tower").status is DagsterRunStatus.SUCCESS
    with rocks.read() as tx:
        assert get_card(tx, "lighthouse-tower").state == "done"


@pytest.mark.parametrize(("asset", "partition"), [(make_issue, "quay-wall"), (make_rock, "quay")])
def test_materialize_delivers_and_asks_no_model_about_what_is_delivered(
    asset: AssetsDefinition, partition: str, rocks: Store, instance: DagsterInstance, told: Told
) -> None:
    instance.add_dynamic_partitions("issues", ["quay-wall"])
    instance.add_dynamic_partitions("rocks", ["quay"])
    assert materialize([asset], instance=instance, partition_key=partition, resources=RESOURCES).success
    spent = turns(rocks)
    assert spent > 0
    assert materialize([asset], instance=instance, partition_key=partition, resources=RESOURCES).success
    assert turns(rocks) == spent
    name = "delivered" if partition == "quay-wall" else "rocks"
    assert instance.get_latest_materialization_event(AssetKey(name)) is not None


@pytest.mark.parametrize("job", ["deliver_rock", "deliver_issue"])
def test_a_partition_without_a_card_answers_with_the_import_command(
    job: str, rocks: Store, launch: Launch, instance: DagsterInstance
) -> None:
    (told,) = failures(instance, launch(job, partition="castle").run_id).values()
    assert told.startswith("There is no card 'castle'. Next: import its file: orket cards import")


def test_code_made_with_an_older_prompt_is_out_of_date(rocks: Store, launch: Launch, instance: DagsterInstance) -> None:
    from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
    from dagster._core.loader import LoadingContextForTest

    from assets.model import Made
    from assets.recorder import Recorder
    from definitions import defs

    def status() -> StaleStatus:
        graph = defs.resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        return resolver.get_status(AssetKey("generated_code"), "quay-wall")

    instance.add_dynamic_partitions("issues", ["quay-wall"])
    launch("deliver_rock", partition="quay")
    assert status() is StaleStatus.FRESH
    Recorder(instance, instance.report_runless_asset_event).record([Made("roles", None, "another", "A new prompt")])
    assert status() is StaleStatus.STALE


def test_a_success_beside_a_failure_leaves_the_graph_red_and_is_told_by_the_bridge(
    rocks: Store, launch: Launch, instance: DagsterInstance
) -> None:
    def newest() -> tuple[str | None, str]:
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        return record.partition, record.status.value

    def passed() -> set[str | None]:
        infos = instance.event_log_storage.get_asset_check_partition_info([key])
        return {info.partition_key for info in infos if info.latest_execution_status.value == "SUCCEEDED"}

    key = AssetCheckKey(AssetKey("rocks"), "not_stuck")
    launch("deliver_rock", partition="lighthouse")
    launch("deliver_rock", partition="quay")
    assert (newest(), passed()) == (("lighthouse", "FAILED"), set())
    launch("report_events")
    assert "quay" in passed()
    launch("report_events")
    assert newest() == ("lighthouse", "FAILED")


def test_the_threads_executor_is_the_application_s_own() -> None:
    from definitions import defs

    assert defs.executor is threads_executor
