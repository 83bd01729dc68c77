"""Hexo: pages that are built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="hexo",
        packages=("hexo",),
        commands=("hexo",),
        files=("_config.yml",),
        kind=ServiceKind.STATIC,
        output="public",
    )
)
