"""What happens outside of runs shows in Dagster, each event once."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from dagster import AssetCheckEvaluation, AssetCheckKey, AssetCheckSeverity, AssetKey, DagsterInstance, DagsterRunStatus
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.dagster_run import DagsterRun

from assets.bridge import Bridge, Progress, load_progress, save_progress
from assets.hidden_failures import hidden_failures
from assets.recorder import Logged, Recorder
from assets.telling import Teller
from orket_pipelines.cards.model import Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.records import insert_cards, move_card
from orket_pipelines.cards.transitions import Move
from orket_pipelines.errors import TransitionRefused
from orket_pipelines.store import Store, append

pytestmark = pytest.mark.slow

Told = Callable[[str, str], list[str]]
Launch = Callable[..., DagsterRun]


def commit(store: Store, card_id: str, commit: str, *, run_id: str | None = None) -> None:
    with store.acting(run_id=run_id).write() as tx:
        payload = {
            "attempt": 1,
            "repository": "shop",
            "branch": card_id,
            "commit": commit,
            "message": f"Write {commit}",
        }
        append(tx, "code.committed", card_id, payload)


def evaluation_of(record: AssetCheckExecutionRecord) -> AssetCheckEvaluation | None:
    return record.event.asset_check_evaluation if record.event else None


def test_what_the_terminal_did_shows_as_materializations_of_its_partition(
    shop: Store, launch: Launch, told: Told
) -> None:
    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    commit(shop, "shop-cart", "aaaa")
    assert launch("report_events").status is DagsterRunStatus.SUCCESS
    assert told("cards", "shop-cart") == ["A cart: ready", "A cart: in_progress"]
    assert told("generated_code", "shop-cart") == ["Write aaaa"]
    assert told("rocks", "shop")[-1] == "A shop: 0 of 2 issues are done"
    assert told("card_files", "shop") == ["1 files, 4 cards"]


def test_a_second_report_tells_nothing_again(shop: Store, launch: Launch, told: Told) -> None:
    launch("report_events")
    launch("report_events")
    assert told("cards", "shop-cart") == ["A cart: ready"]
    assert len(told("rocks", "shop")) == 1


def test_a_blocked_issue_fails_its_check_and_that_of_its_rock(
    shop: Store, launch: Launch, instance: DagsterInstance
) -> None:
    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    blocked = Move(CardState.BLOCKED, "system", wait_reason=WaitReason.SYSTEM, note="the model is down")
    move_card(shop, "shop-cart", blocked)
    launch("report_events")
    issue, rock = (AssetCheckKey(AssetKey(asset), "not_stuck") for asset in ("cards", "rocks"))
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([issue, rock])
    evaluations = [each for key in (issue, rock) if (each := evaluation_of(latest[key])) is not None]
    assert [each.passed for each in evaluations] == [False, False]
    assert [each.partition for each in evaluations] == ["shop-cart", "shop"]
    assert "the model is down" in str(evaluations[0].description)
    assert all(each.target_materialization_data for each in evaluations)


def test_a_card_that_asks_a_person_is_a_bottleneck_of_its_rock_until_it_is_answered(
    shop: Store, launch: Launch, instance: DagsterInstance
) -> None:
    def judged() -> AssetCheckEvaluation:
        key = AssetCheckKey(AssetKey("rocks"), "no_bottleneck")
        found = evaluation_of(instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key])
        assert found is not None
        return found

    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    asks = Move(CardState.WAITING_FOR_DEVELOPER, "coder", wait_reason=WaitReason.INPUT, note="which currency?")
    move_card(shop, "shop-cart", asks)
    launch("report_events")
    asking = judged()
    assert (asking.passed, asking.severity.value) == (False, "WARN")
    assert (asking.partition, asking.description) == ("shop", "1 card waits for a person")
    move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "system"))
    launch("report_events")
    assert judged().passed


def test_what_was_refused_is_a_warning_in_the_run_an_observation_and_a_check_until_the_issue_is_done(
    shop: Store, launch: Launch, instance: DagsterInstance
) -> None:
    def refuse(card_id: str) -> None:
        with pytest.raises(TransitionRefused):
            move_card(shop, card_id, Move(CardState.DONE, "coder"))

    def judged() -> AssetCheckEvaluation:
        key = AssetCheckKey(AssetKey("cards"), "policy_followed")
        found = evaluation_of(instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key])
        assert found is not None
        return found

    refuse("shop-cart")
    refuse("shop")
    run = launch("report_events")
    told = "Policy violation (transition): issue shop-cart cannot move from ready to done"
    warnings = [entry.user_message for entry in instance.all_logs(run.run_id) if entry.level == logging.WARNING]
    assert warnings == [
        f"shop-cart: {told}",
        "shop: Policy violation (transition): rock shop cannot move from ready to done",
    ]
    (seen,) = instance.fetch_observations(AssetKey("cards"), limit=5).records
    assert seen.asset_observation is not None
    assert (seen.asset_observation.partition, seen.asset_observation.description) == ("shop-cart", told)
    assert len(instance.fetch_observations(AssetKey("rocks"), limit=5).records) == 1
    assert (judged().passed, judged().partition, judged().severity) == (False, "shop-cart", AssetCheckSeverity.WARN)
    assert "1 refused on the way; the last: transition, by coder: issue shop-cart cannot" in str(judged().description)

    for to, role in (("in_progress", "coder"), ("code_review", "coder"), ("done", "integrity_guard")):
        move_card(shop, "shop-cart", Move(CardState(to), role))
    launch("report_events")
    assert judged().passed
    assert "1 refused on the way" in str(judged().description)
    with pytest.raises(TransitionRefused):
        move_card(shop, "shop-cart", Move(CardState.IN_PROGRESS, "coder"))
    launch("report_events")
    assert not judged().passed


def test_events_of_a_living_run_are_left_to_it_and_told_once_it_is_over(shop: Store, instance: DagsterInstance) -> None:
    commit(shop, "shop-cart", "aaaa", run_id="alive")
    commit(shop, "shop-till", "bbbb")
    logged: list[Logged] = []
    alive = {"alive"}
    teller = Teller(Recorder(instance, logged.append), shop, Path("nowhere"))
    for run_id in ("first", "second"):
        Bridge(instance, teller, run_id, lambda: set(alive)).report_rest()
    assert [each.description for each in logged if each.asset_key == AssetKey("generated_code")] == ["Write bbbb"]
    assert load_progress(instance, "default").held == {"alive": 4}
    alive.clear()
    Bridge(instance, teller, "third", set).report_rest()
    committed = [each.description for each in logged if each.asset_key == AssetKey("generated_code")]
    assert committed == ["Write bbbb", "Write aaaa"]
    assert load_progress(instance, "default").held == {}


def test_a_batch_that_died_is_carried_on_without_a_repetition(
    shop: Store, launch: Launch, instance: DagsterInstance, told: Told
) -> None:
    first = launch("report_events")
    before = {asset: told(asset, name) for asset, name in (("cards", "shop-cart"), ("rocks", "shop"))}
    # Its last act, saving how far it came, did not happen.
    save_progress(instance, "default", Progress(writers=(first.run_id,)))
    launch("report_events")
    assert {asset: told(asset, name) for asset, name in (("cards", "shop-cart"), ("rocks", "shop"))} == before


def test_a_new_dagster_home_is_told_everything(
    shop: Store, launch: Launch, instance: DagsterInstance, told: Told
) -> None:
    launch("report_events")
    instance.wipe()
    save_progress(instance, "default", Progress())
    launch("report_events")
    assert told("cards", "shop-cart") == ["A cart: ready"]


def test_a_failure_stays_the_newest_evaluation_although_another_partition_passes_later(
    shop: Store, launch: Launch, instance: DagsterInstance
) -> None:
    with shop.write() as tx:
        insert_cards(tx, [Card("shop-door", CardKind.ISSUE, "A door", parent_id="shop-api", rock_id="shop")])
    blocked = Move(CardState.BLOCKED, "system", wait_reason=WaitReason.SYSTEM, note="the model is down")
    for card_id in ("shop-cart", "shop-door"):
        move_card(shop, card_id, Move(CardState.IN_PROGRESS, "system"))
        move_card(shop, card_id, blocked)
    launch("report_events")
    move_card(shop, "shop-door", Move(CardState.IN_PROGRESS, "system"))
    launch("report_events")
    key = AssetCheckKey(AssetKey("cards"), "not_stuck")
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert (newest.partition, newest.status.value) == ("shop-cart", "FAILED")
    assert hidden_failures(instance) == []
