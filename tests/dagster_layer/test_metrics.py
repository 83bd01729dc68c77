"""The numbers of days, and what of them is shown as a picture."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from dagster import AssetKey, DagsterInstance, materialize

from assets.daily_plots import bug_plots, window, work_plots
from assets.metrics import metrics_of_days
from orket_pipelines.store import Store, append
from resources import RESOURCES

pytestmark = pytest.mark.slow


def picture(metadata: dict[str, Any], name: str) -> str:
    """The SVG that is shown under this name."""
    return base64.b64decode(metadata[name].value.partition("base64,")[2].rstrip(")")).decode()


def test_a_picture_shows_two_weeks_and_what_nobody_knows_is_left_out() -> None:
    days = window("2026-03-01")
    assert (days[0], days[-1], len(days)) == ("2026-02-16", "2026-03-01", 14)
    rows = {"2026-02-28": {"uptime": 99.5, "flaky": 0, "failed": 2, "found": 3}, "2025-01-01": {"longest": 9.0}}
    plots = work_plots(rows, "2026-03-01")
    assert list(plots) == ["uptime", "flaky tests"]
    assert plots["uptime"].lines[0].values[-2:] == (99.5, None)
    assert plots["flaky tests"].labels[-2:] == ("02-28", "03-01")
    (bugs,) = bug_plots(rows, "2026-03-01").values()
    assert [each.values[-2] for each in bugs.bars] == [3, None]
    assert bug_plots({}, "2026-03-01") == {}


def test_the_numbers_of_a_day_come_with_pictures_of_the_days_before_it(
    factory_store: Store, instance: DagsterInstance, home: object
) -> None:
    case = {"name": "a", "outcome": "flaky", "seconds": 1.0}
    moved: dict[str, Any] = {"kind": "issue", "rock": "shop"}
    bug = {"rock": "shop", "name": "b", "severity": "major", "priority": 2.0, "source": "person", "by": "ada"}
    with factory_store.write() as tx:
        append(tx, "card.created", "till", {"kind": "issue", "name": "Till", "state": "ready", "attempt": 1})
        append(tx, "card.moved", "till", moved | {"from": "ready", "to": "in_progress"})
        append(tx, "tests.finished", "till", {"suite": "page", "run_id": "r", "passed": True, "cases": [case]})
        append(tx, "bug.reported", "b", bug | {"in_phase": True})
        append(tx, "sandbox.changed", "box", {"rock_id": "shop", "state": "running", "generation": 1})
    with factory_store.write() as tx:
        append(tx, "card.moved", "till", moved | {"from": "code_review", "to": "done"})
    today = datetime.now(tz=UTC).date().isoformat()
    assert materialize([metrics_of_days], instance=instance, partition_key=today, resources=RESOURCES).success
    newest = instance.get_latest_materialization_event(AssetKey("daily_metrics"))
    assert newest is not None
    assert newest.asset_materialization is not None
    metadata = dict(newest.asset_materialization.metadata)
    assert metadata["cards done"].value == 1
    assert f"day {today[5:]}: 1 flaky" in picture(metadata, "flaky tests")
    assert f"day {today[5:]}: " in picture(metadata, "cycle times")
    assert "<circle" in picture(metadata, "uptime")
    rates = instance.get_latest_materialization_event(AssetKey("bug_rates"))
    assert rates is not None
    assert rates.asset_materialization is not None
    assert f"day {today[5:]}: 1 found" in picture(dict(rates.asset_materialization.metadata), "by day")
