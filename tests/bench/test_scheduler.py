"""`orket bench scheduler`: it measures the real thing, and leaves nothing behind."""

import pytest
import sqlalchemy as sa

from orket_pipelines.bench import run_bench, scheduler
from orket_pipelines.store.tables import metadata

pytestmark = pytest.mark.slow


def test_plans_and_claims_are_measured_beside_their_floors(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "ROCKS", 2)
    monkeypatch.setattr(scheduler, "ISSUES", 40)
    monkeypatch.setattr(scheduler, "CLAIMS", 10)
    monkeypatch.setenv("ORKET_DATABASE_URL", database_url)
    found = run_bench("scheduler", lambda _line: None)

    named = {metric.metric for metric in found}
    assert {"scheduler.sqlite.plan", "scheduler.sqlite.claim"} <= named
    assert ("scheduler.postgresql.claim" in named) == database_url.startswith("postgresql")
    assert all(metric.value > 0 for metric in found)
    assert all(metric.floor for metric in found if metric.metric.endswith(("plan", "claim")))
    if database_url.startswith("postgresql"):
        engine = sa.create_engine(database_url)
        with engine.connect() as connection:
            assert sa.inspect(connection).has_table(scheduler.FLOOR) is False
            left = {table.name for table in metadata.sorted_tables if connection.execute(sa.select(table)).first()}
        engine.dispose()
        assert left == set()
