"""How long Dagster's UI waits for the partitions of an asset: for the bench.

`python -m orket_pipelines.server.measured_partitions ROCKS ISSUES` puts so many issues of so many rocks on record as
delivered, asks by GraphQL what the page of the asset asks, and prints `{"query": seconds, "bare": seconds}`, medians.
Bare is to read the same from Dagster's storage.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Callable

from dagster import AssetKey, AssetMaterialization, DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster_graphql.schema import create_schema

from orket_pipelines.settings import application_folder

ASSET = AssetKey("delivered")
ROUNDS = 5
QUERY = """
query Partitions($asset: AssetKeyInput!) {
  assetNodeOrError(assetKey: $asset) {
    ... on AssetNode {
      partitionKeysByDimension { name partitionKeys }
      assetPartitionStatuses {
        ... on DefaultPartitionStatuses {
          materializedPartitions materializingPartitions failedPartitions unmaterializedPartitions
        }
      }
    }
  }
}
"""
"""What stands behind the asset's tab "Partitions"."""


def measure(rocks: int, issues: int) -> dict[str, float]:
    """Seconds. Raises: RuntimeError where the answer lacks a partition."""
    with DagsterInstance.local_temp() as instance:
        _record(instance, rocks, issues)
        bare = _median(lambda: instance.get_materialized_partitions(ASSET))
        folder = application_folder()
        target = PythonFileTarget(str(folder / "definitions.py"), None, str(folder), location_name="orket")
        with WorkspaceProcessContext(instance, target) as workspace:
            return {"query": _median(lambda: _ask(workspace, rocks * issues)), "bare": bare}


def _record(instance: DagsterInstance, rocks: int, issues: int) -> None:
    keys = [f"rock-{rock:02}-{issue:03}" for rock in range(rocks) for issue in range(issues)]
    instance.add_dynamic_partitions("rocks", [f"rock-{rock:02}" for rock in range(rocks)])
    instance.add_dynamic_partitions("issues", keys)
    for key in keys:
        instance.report_runless_asset_event(AssetMaterialization(ASSET, partition=key))


def _ask(workspace: WorkspaceProcessContext, expected: int) -> None:
    """As a browser does it: each time from a new view of the workspace."""
    asked = {"asset": {"path": list(ASSET.path)}}
    context = workspace.create_request_context()
    answer = asyncio.run(create_schema().execute_async(QUERY, context_value=context, variables=asked))
    found = ((answer.data or {}).get("assetNodeOrError") or {}).get("assetPartitionStatuses") or {}
    if len(found.get("materializedPartitions", ())) != expected:
        raise RuntimeError(f"Dagster shows {found} and not {expected} partitions: {answer.errors}")


def _median(act: Callable[[], object]) -> float:
    """The first round counts for nobody: it loads and compiles."""
    taken = []
    for _ in range(ROUNDS + 1):
        began = time.monotonic()
        act()
        taken.append(time.monotonic() - began)
    return statistics.median(taken[1:])


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:3]))), file=sys.stdout)  # noqa: T201 - what the bench reads
