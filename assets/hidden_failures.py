"""Failures that the graph does not show: its colour is that of a check's newest row, whichever partition that is about.

So while any partition fails, a failing one must be the newest. Within a run, a second evaluation of a partition
overwrites its row instead of making a newer one: a run that logged a failure itself leaves restating it to the next.
"""

from collections.abc import Iterable

from dagster import AssetCheckEvaluation, AssetCheckKey, AssetKey, DagsterInstance
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
)

from assets.failing import FAILED, failing
from assets.proof import SUITE_CHECKS
from assets.recorder import Recorder

JUDGED = (
    AssetCheckKey(AssetKey("rocks"), "not_stuck"),
    AssetCheckKey(AssetKey("rocks"), "no_bottleneck"),
    AssetCheckKey(AssetKey("cards"), "not_stuck"),
    AssetCheckKey(AssetKey("cards"), "policy_followed"),
    AssetCheckKey(AssetKey("test_reports"), "tests_passed"),
    *(AssetCheckKey(AssetKey("test_reports"), name) for name, _ in SUITE_CHECKS.values()),
    AssetCheckKey(AssetKey("sandboxes"), "answers"),
    AssetCheckKey(AssetKey("bug_phases"), "rate_within_limit"),
    AssetCheckKey(AssetKey("bug_phases"), "no_high_bugs"),
    AssetCheckKey(AssetKey("pull_requests"), "review_approved"),
)


def hidden_failures(instance: DagsterInstance) -> list[AssetCheckExecutionRecord]:
    """One failing evaluation for each check whose newest row passed although a partition fails."""
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(JUDGED))
    passing = [key for key, record in newest.items() if record.status is not FAILED]
    return [hidden for key in passing for hidden in _failing(instance, key)]


def restate(instance: DagsterInstance, recorder: Recorder, run_id: str) -> None:
    """Evaluate them again as they were, so that red is red; except those that this run itself logged."""
    recorder.repeat(_evaluations(record for record in hidden_failures(instance) if record.run_id != run_id))


def _failing(instance: DagsterInstance, key: AssetCheckKey) -> Iterable[AssetCheckExecutionRecord]:
    newest = failing(instance, key)[:1]
    only = [PartitionKeyFilter(key=info.partition_key) for info in newest]
    storage = instance.event_log_storage
    return [
        record
        for partition in only
        for record in storage.get_asset_check_execution_history(key, limit=1, partition_filter=partition)
    ]


def _evaluations(records: Iterable[AssetCheckExecutionRecord]) -> list[AssetCheckEvaluation]:
    return [record.evaluation for record in records if record.evaluation is not None]
