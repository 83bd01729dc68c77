"""What the asset graph is made of: keys, groups, partitions, and on purpose a mapping for every edge."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from dagster import (
    AssetDep,
    AssetKey,
    AssetSpec,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    IdentityPartitionMapping,
    PartitionMapping,
    PartitionsDefinition,
    SpecificPartitionsPartitionMapping,
)

RELEASED = "2026-11-01"
"""No factory is older."""


def first_day(dagster_home: str | None) -> str:
    """What `orket dev` found to be the first day of this factory (`orket_pipelines/server/dagster_home.py`)."""
    try:
        return (Path(dagster_home or "") / "since").read_text()
    except OSError:
        return RELEASED


ROCKS = DynamicPartitionsDefinition(name="rocks")
ISSUES = DynamicPartitionsDefinition(name="issues")
DAYS = DailyPartitionsDefinition(start_date=first_day(os.environ.get("DAGSTER_HOME")), end_offset=1)
"""From the first day of this factory; today is a partition from its first minute on."""

SAME = IdentityPartitionMapping()
"""An issue's asset comes from the same issue's."""
NAMED = SpecificPartitionsPartitionMapping([])
"""The edge is drawn, and metadata names the true partitions. A rock depends on its own issues alone, which no mapping
of Dagster's can say: identity would look for an issue called like the rock, and all partitions would call a delivered
rock out of date as soon as another rock's issue changes."""

INPUTS, WORK, RUNNING, PROOF, METRICS = "inputs", "work", "running", "proof", "metrics"
PARTITIONS: Mapping[str, PartitionsDefinition | None] = {
    "roles": None,
    "models": None,
    "card_files": ROCKS,
    "rocks": ROCKS,
    "cards": ISSUES,
    "generated_code": ISSUES,
    "pull_requests": ISSUES,
    "mainline": ROCKS,
    "sandboxes": ROCKS,
    "bug_phases": ROCKS,
    "test_reports": ISSUES,
    "delivered": ISSUES,
    "session_history": None,
    "daily_metrics": DAYS,
    "model_costs": DAYS,
    "bug_rates": DAYS,
}
EDGES: Mapping[str, Mapping[str, PartitionMapping | None]] = {
    "rocks": {"card_files": SAME},
    "cards": {"card_files": NAMED, "rocks": NAMED},
    "generated_code": {"cards": SAME, "roles": None, "models": None},
    "pull_requests": {"generated_code": SAME, "roles": None},
    "mainline": {"pull_requests": NAMED},
    "sandboxes": {"mainline": SAME},
    "bug_phases": {"sandboxes": SAME},
    "test_reports": {"generated_code": SAME, "sandboxes": NAMED},
    "delivered": {"pull_requests": SAME, "test_reports": SAME, "mainline": NAMED},
    "session_history": {"generated_code": NAMED, "pull_requests": NAMED},
    "daily_metrics": {"delivered": NAMED},
    "model_costs": {"session_history": None},
    "bug_rates": {"bug_phases": NAMED},
}
"""Asset: what it is made from, and which partition of that. None: the whole of an asset that has no partitions."""


def versioned_inputs(asset: str) -> list[str]:
    """The inputs whose version says whether this asset is up to date."""
    return [name for name, mapping in EDGES.get(asset, {}).items() if mapping is not NAMED]


def spec(name: str, *, group: str, kinds: Iterable[str], owner: str, description: str) -> AssetSpec:
    """One node of the graph. Skippable: a body reports what it made while it works, and gives nothing back."""
    edges = EDGES.get(name, {})
    return AssetSpec(
        AssetKey(name),
        deps=[AssetDep(AssetKey(upstream), partition_mapping=mapping) for upstream, mapping in edges.items()],
        group_name=group,
        kinds=set(kinds),
        owners=[f"team:{owner}"],
        description=description,
        partitions_def=PARTITIONS[name],
        skippable=True,
    )
