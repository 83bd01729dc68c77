"""VuePress: documentation that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="vuepress",
        packages=("vuepress",),
        commands=("vuepress",),
        ui="vue",
        kind=ServiceKind.STATIC,
        output=".vuepress/dist",
    )
)
