"""Which partitions of a check fail now."""

from dagster import AssetCheckKey, DagsterInstance
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus, AssetCheckPartitionInfo

FAILED = AssetCheckExecutionRecordStatus.FAILED


def failing(instance: DagsterInstance, key: AssetCheckKey) -> list[AssetCheckPartitionInfo]:
    """Those whose last evaluation failed and is about the newest materialization, the latest first."""
    infos = instance.event_log_storage.get_asset_check_partition_info([key])
    failed = [info for info in infos if info.latest_execution_status is FAILED and info.is_current]
    return sorted(failed, key=lambda info: -info.latest_check_event_storage_id)
