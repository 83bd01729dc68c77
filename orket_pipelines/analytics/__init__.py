"""What happened, as tables: the event log is drained into DuckDB and published as a snapshot for anybody's SQL.

One process at a time drains (the lease `analytics`); readers open the snapshot alone and never meet a lock. Nothing
here is the truth: delete the folder, and the next drain makes the same rows again. docs/METRICS.md explains the tables.
"""

from orket_pipelines.analytics.ask import Table, run_sql
from orket_pipelines.analytics.marts import MARTS, SAMPLES, Column, TableDescription, describe
from orket_pipelines.analytics.warehouse import drain, folder_of, is_current, refresh, snapshot_of

__all__ = [
    "MARTS",
    "SAMPLES",
    "Column",
    "Table",
    "TableDescription",
    "describe",
    "drain",
    "folder_of",
    "is_current",
    "refresh",
    "run_sql",
    "snapshot_of",
]
