"""The numbers, from DuckDB: a day's metrics, costs and bug rates as plots over time; the session history as a table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from dagster import (
    AssetExecutionContext,
    AssetKey,
    BackfillPolicy,
    DagsterInstance,
    MaterializeResult,
    MetadataValue,
    TableColumn,
    TableMetadataValue,
    TableRecord,
    TableSchema,
    multi_asset,
)

from assets.bugs import bug_rates_of
from assets.daily_plots import bug_plots, window, work_plots
from assets.graph import DAYS, METRICS, spec
from assets.model import Made, Values
from assets.plots import shown
from assets.recorder import told
from assets.versions import version_of
from orket_pipelines.analytics import SAMPLES, Table, TableDescription, describe, run_sql, snapshot_of
from orket_pipelines.analytics.queries import named
from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.plots import Plot
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from resources import RecordsResource

QUERIES = str(Path(__file__).with_name("metrics.sql"))
SAMPLE_ROWS = 20
FILLED = 31
"""Days that are looked back for gaps."""

DAILY_ASSETS = [
    spec(
        "daily_metrics",
        group=METRICS,
        kinds=["duckdb"],
        owner="operations",
        description="What the factory did on a day (UTC), and what it cost. Every number plots over the days.",
    ),
    spec(
        "model_costs",
        group=METRICS,
        kinds=["duckdb", "openai"],
        owner="operations",
        description="Turns, tokens and cost of each model on a day (UTC).",
    ),
    spec(
        "bug_rates",
        group=METRICS,
        kinds=["python"],
        owner="quality",
        description="Bugs a day found in each bug-fix phase, at the end of a day (UTC) or now. In the first day it is "
        "their number.",
    ),
]
SESSION_HISTORY = spec(
    "session_history",
    group=METRICS,
    kinds=["duckdb"],
    owner="operations",
    description="Every session of every role: what it was called for, what it did, what came of it. Ask it in SQL: "
    "`orket sql`.",
)


@multi_asset(name="metrics_of_days", specs=DAILY_ASSETS, can_subset=True, backfill_policy=BackfillPolicy.single_run())
def metrics_of_days(context: AssetExecutionContext, records: RecordsResource) -> Iterator[MaterializeResult[None]]:
    """Count these days again: all of a backfill in one run."""
    made = daily_made(records.settings, records.store, context.partition_keys)
    chosen = {key.to_user_string() for key in context.selected_asset_keys}
    yield from told(context, (each for each in made if each.asset in chosen))


@multi_asset(name="history_of_sessions", specs=[SESSION_HISTORY])
def history_of_sessions(context: AssetExecutionContext, records: RecordsResource) -> Iterator[MaterializeResult[None]]:
    """Publish a fresh snapshot, and say what is in it."""
    yield from told(context, [session_history_made(records.settings, records.store)])


def days_of(times: Iterable[int]) -> list[str]:
    """The partitions that these times (UTC, microseconds) fall into."""
    return sorted({datetime.fromtimestamp(at / MICROSECONDS, tz=UTC).date().isoformat() for at in times})


def days_missing(instance: DagsterInstance) -> list[str]:
    """The newest days that were never counted: a day without work belongs in a plot too."""
    counted = instance.get_materialized_partitions(AssetKey("daily_metrics"))
    return [day for day in DAYS.get_partition_keys()[-FILLED:] if day not in counted]


def daily_made(settings: Settings, store: Store, days: Sequence[str]) -> list[Made]:
    """All daily numbers of these days."""
    if not days:
        return []
    counted = {row.pop("day"): row for row in _ask(settings, store, "days", days=days)}
    used: dict[str, list[dict[str, Any]]] = {day: [] for day in days}
    for row in _ask(settings, store, "models", days=days, refresh=False):
        used[row.pop("day")].append(row)
    seen = sorted({each for day in days for each in window(day)})
    drawn = {row["day"]: row for row in _ask(settings, store, "plotted", days=seen, refresh=False)}
    made = [
        (
            _illustrated(_counts_made(day, counted.get(day, {})), work_plots(drawn, day)),
            _costs_made(day, used[day]),
            _illustrated(_bugs_made(store, day), bug_plots(drawn, day)),
        )
        for day in days
    ]
    return [each for of_day in made for each in of_day]


def _illustrated(made: Made, plots: Mapping[str, Plot]) -> Made:
    pictures = {name: shown(plot) for name, plot in plots.items()}
    return replace(made, metadata={**pictures, **made.metadata})


def _counts_made(day: str, counted: dict[str, Any]) -> Made:
    # What a quiet day counts is 0, and belongs in the plot.
    names = [column.name for column in _description("daily_metrics").columns if column.name != "day"]
    numbers = {name.replace("_", " "): float(counted.get(name) or 0) for name in names}
    return Made("daily_metrics", day, version_of(numbers), f"{numbers['cards done']:g} issues done", numbers)


def _costs_made(day: str, models: list[dict[str, Any]]) -> Made:
    turns, cost = sum(row["turns"] for row in models), float(sum(row["cost"] or 0 for row in models))
    metadata = {"turns": turns, "cost in USD": cost, "models": _table(models)}
    return Made("model_costs", day, version_of(models), f"{cost:.4f} USD in {turns} turns", metadata)


def session_history_made(settings: Settings, store: Store) -> Made:
    """The session history as it explains itself: columns, size, the newest rows, a query to start from."""
    (sums,) = _ask(settings, store, "sessions")
    newest = _rows(run_sql(settings, SAMPLES["session_history"], refresh=False, store=store, limit=SAMPLE_ROWS))
    columns = _description("session_history").columns
    schema = TableSchema([TableColumn(each.name, each.type, each.comment) for each in columns])
    metadata: Values = {
        "dagster/row_count": int(sums["sessions"]),
        "dagster/column_schema": MetadataValue.table_schema(schema),
        "turns": int(sums["turns"] or 0),
        "tool calls": int(sums["tool_calls"] or 0),
        "denied": int(sums["denied"] or 0),
        "newest": _table(newest),
        "ask it": MetadataValue.md(f'```sql\n{SAMPLES["session_history"]}\n```\n`orket sql "…"`'),
        "snapshot": MetadataValue.path(snapshot_of(settings)),
    }
    return Made("session_history", None, version_of([sums, newest]), f"{sums['sessions']} sessions", metadata)


def _bugs_made(store: Store, day: str) -> Made:
    end = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    at = min(store.clock.now(), int(end.timestamp()) * MICROSECONDS)
    with store.read() as tx:
        rates = bug_rates_of(tx, at=at)
    rows = [{"rock": each.rock_id, "bugs": each.bugs, "days": each.days, "rate": each.rate} for each in rates]
    worst = max((each.rate for each in rates), default=0.0)
    metadata = {"worst rate": worst, "bugs": sum(each.bugs for each in rates), "phases": len(rates)}
    return Made(
        "bug_rates", day, version_of(rows), f"at worst {worst:g} bugs a day", metadata | {"rocks": _table(rows)}
    )


def _ask(
    settings: Settings, store: Store, query: str, *, days: Sequence[str] = (), refresh: bool = True
) -> list[dict[str, Any]]:
    asked = named(QUERIES)[query].format(days=", ".join(f"DATE '{day}'" for day in days))
    return _rows(run_sql(settings, asked, refresh=refresh, store=store))


@cache
def _description(table: str) -> TableDescription:
    return next(each for each in describe() if each.name == table)


def _rows(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _table(rows: list[dict[str, Any]]) -> TableMetadataValue | MetadataValue:
    """Empty tables do not render; text does."""
    if not rows:
        return MetadataValue.text("none")
    records = [TableRecord({name: _plain(value) for name, value in row.items()}) for row in rows]
    return MetadataValue.table(records)


def _plain(value: Any) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else "" if value is None else str(value)
