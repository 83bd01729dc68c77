"""Watches how many bugs the rocks in their bug-fix phase turn up."""

import json
from datetime import UTC, datetime

from dagster import (
    AssetKey,
    AssetSelection,
    DefaultSensorStatus,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
    sensor,
)

from assets.bugs import bug_rates_of
from orket_pipelines.clock import MICROSECONDS
from sensors.reading import NOTHING_YET, reading


@sensor(
    target=AssetSelection.assets("bug_rates"),
    minimum_interval_seconds=60,
    default_status=DefaultSensorStatus.RUNNING,
    description="Counts the bugs found in bug-fix phases, and has today's bug rates counted again when they change. "
    "Its cursor is the rates, for reading only.",
)
def bug_rates(context: SensorEvaluationContext) -> SensorResult | SkipReason:
    """A run for today's partition when a rate is another than at the last tick."""
    with reading() as found:
        if found is None:
            return SkipReason(NOTHING_YET)
        rates = bug_rates_of(found.tx, at=found.tx.now)
        today = datetime.fromtimestamp(found.tx.now / MICROSECONDS, tz=UTC).date().isoformat()
    if not rates:
        return SkipReason("No bug-fix phase goes on: one begins when a rock is done.")
    cursor = json.dumps({each.rock_id: f"{each.bugs} bugs in {each.days} days: {each.rate:g} a day" for each in rates})
    if cursor == context.cursor:
        return SkipReason(f"The rates stand as they stood: {cursor}")
    return SensorResult(
        [RunRequest(run_key=f"{today}:{cursor}", asset_selection=[AssetKey("bug_rates")], partition_key=today)],
        cursor=cursor,
    )
