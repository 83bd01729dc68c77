"""Vue CLI: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="vue-cli",
        packages=("@vue/cli-service",),
        commands=("vue-cli-service",),
        files=("vue.config.js",),
        ui="vue",
        kind=ServiceKind.SPA,
    )
)
