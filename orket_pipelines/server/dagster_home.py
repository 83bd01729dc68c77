"""DAGSTER_HOME, generated under ORKET_HOME: Dagster's own database, and the settings that the factory needs of it."""

from pathlib import Path

from orket_pipelines.settings import Settings

CONFIGURATION = """\
# Written by `orket dev`, again each time: edits here are lost.
telemetry:
  enabled: false
nux: # a dialog that would cover the UI
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 10
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
    (home / "dagster.yaml").write_text(CONFIGURATION)
    return home
