"""Where the issues of a rock pile up, as the check `no_bottleneck`."""

from dagster import AssetCheckSeverity, MetadataValue

from assets.links import anchor
from assets.model import Judged, Values
from orket_pipelines.settings import load_settings
from orket_pipelines.store import LeaseKeeper, Store

AT_MOST = 10
"""Cards that a bottleneck is shown with."""


def bottleneck_judged(store: Store, rock_id: str) -> Judged:
    """Whether too many of its issues wait for the same now. Red: it is critical; yellow: it is a warning."""
    from orket_pipelines.delivery.status import status_of  # noqa: PLC0415 - as in resources/factory.py

    with store.read() as tx:
        found = status_of(tx, LeaseKeeper(store), load_settings(), rock_id).bottlenecks
    told = "; ".join(each.told for each in found) or "issues pile up nowhere"
    critical = any(each.pressure == "critical" for each in found)
    severity = AssetCheckSeverity.ERROR if critical else AssetCheckSeverity.WARN
    metadata: Values = {
        f"waits for {each.waits_for}": MetadataValue.md(
            ", ".join(anchor(card_id, "cards", card_id) for card_id in each.card_ids[:AT_MOST])
        )
        for each in found
    }
    return Judged("rocks", "no_bottleneck", rock_id, not found, told, severity, metadata)
