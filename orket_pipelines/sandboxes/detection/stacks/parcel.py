"""Parcel: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="parcel",
        packages=("parcel", "parcel-bundler"),
        commands=("parcel",),
        kind=ServiceKind.SPA,
    )
)
