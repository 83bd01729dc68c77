"""Which partitions of a check fail now."""

from dagster import AssetCheckKey, DagsterInstance
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus, AssetCheckPartitionInfo

FAILED = AssetCheckExecutionRecordStatus.FAILED


def failing(instance: DagsterInstance, key: AssetCheckKey) -> list[AssetCheckPartitionInfo]:
    """Those whose last evaluation failed and is about the newest materialization, the latest first."""
    storage = instance.event_log_storage
    # To read what every partition is at takes ten times as long as to see that none ever failed.
    if not storage.get_asset_check_execution_history(key, limit=1, status={FAILED}):
        return []
    infos = storage.get_asset_check_partition_info([key])
    failed = [info for info in infos if info.latest_execution_status is FAILED and info.is_current]
    return sorted(failed, key=lambda info: -info.latest_check_event_storage_id)
