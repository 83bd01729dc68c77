"""Eleventy: pages that are built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="eleventy",
        packages=("@11ty/eleventy",),
        commands=("eleventy", "@11ty/eleventy"),
        files=(".eleventy.js", "eleventy.config.*"),
        kind=ServiceKind.STATIC,
        output="_site",
    )
)
