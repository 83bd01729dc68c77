"""Rollup by itself: a page, where there is one; else it builds a library."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="rollup",
        packages=("rollup",),
        commands=("rollup",),
        files=("rollup.config.*",),
        kind=ServiceKind.SPA,
        output="public",
        page=True,
    )
)
