"""The store is the truth: tables, transactions, the event log, effects, leases and failpoints.

It knows tables, not rooms: each room keeps its reads and writes in its own `records.py`, as functions that take a
`Transaction`.
"""

from orket_pipelines.store.effects import EffectKind, effect_kind, perform
from orket_pipelines.store.engine import Origin, Store, Transaction
from orket_pipelines.store.events import Event, append, consume, read_events
from orket_pipelines.store.failpoints import failpoint, reach
from orket_pipelines.store.identifiers import new_id
from orket_pipelines.store.leases import Lease, LeaseKeeper, is_proven_dead, process_identity
from orket_pipelines.store.prepared import Prepared

__all__ = [
    "EffectKind",
    "Event",
    "Lease",
    "LeaseKeeper",
    "Origin",
    "Prepared",
    "Store",
    "Transaction",
    "append",
    "consume",
    "effect_kind",
    "failpoint",
    "is_proven_dead",
    "new_id",
    "perform",
    "process_identity",
    "reach",
    "read_events",
]
