"""Gatsby: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="gatsby",
        packages=("gatsby",),
        commands=("gatsby",),
        files=("gatsby-config.*",),
        ui="react",
        kind=ServiceKind.SPA,
        output="public",
    )
)
