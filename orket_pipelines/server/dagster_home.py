"""DAGSTER_HOME, generated under ORKET_HOME: Dagster's own database, and the settings that the factory needs of it."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from orket_pipelines.clock import MICROSECONDS
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events

SINCE = "since"
"""A file in DAGSTER_HOME with the first day of this factory, as loading the definitions asks no database."""

DELIVERS = "orket/delivers"
"""The tag of runs that deliver; `jobs/delivery.py` gives it to its jobs."""
BESIDES = 2
"""Runs that there is room for besides deliveries."""
CONFIGURATION = """\
# Written by `orket dev`, again each time: edits here are lost.
telemetry:
  enabled: false
nux: # a dialog that would cover the UI
  enabled: false
concurrency: # of runs; how many issues are worked on at once, over all runs and terminals, the factory says itself
  runs:
    max_concurrent_runs: $runs
    tag_concurrency_limits: # so that deliveries, which last, leave room for the runs that report and keep house
      - key: $tag
        limit: $deliveries
run_queue:
  dequeue_interval_seconds: 1
run_retries:
  enabled: false
  retry_on_asset_or_op_failure: false # whether an issue is tried again is the factory's own decision
run_monitoring: # ends runs that never start, or never heed a request to stop
  enabled: true
  start_timeout_seconds: 180
  cancel_timeout_seconds: 60
sensors: # in threads, so that a slow one holds up no other
  use_threads: true
  num_workers: 4
schedules:
  use_threads: true
  num_workers: 2
backfills:
  use_threads: true
  num_workers: 2
retention: # days that a sensor's ticks are kept, by how they ended
  sensor:
    purge_after_days: {skipped: 1, success: 30, failure: 30, started: 2}
"""


def write_dagster_home(settings: Settings) -> Path:
    """Make the folder and its dagster.yaml; what Dagster recorded there stays."""
    home = settings.home.resolve() / "dagster"
    home.mkdir(parents=True, exist_ok=True)
    (home / "dagster.yaml").write_text(configuration(settings))
    (home / SINCE).write_text(first_day(settings))
    return home


def configuration(settings: Settings) -> str:
    """The text of dagster.yaml: as many deliveries at once as the settings say, and room for the rest."""
    deliveries = settings.dagster_deliveries
    return Template(CONFIGURATION).substitute(runs=deliveries + BESIDES, deliveries=deliveries, tag=DELIVERS)


def first_day(settings: Settings) -> str:
    """The day (UTC) of the first event in the store; today where there is none yet. Plots over days begin with it."""
    with closing(Store.open(settings.store_url, workspace_id=settings.workspace)) as store, store.read() as tx:
        first = read_events(tx, limit=1)
        at = first[0].at if first else tx.now
    return datetime.fromtimestamp(at / MICROSECONDS, tz=UTC).date().isoformat()
