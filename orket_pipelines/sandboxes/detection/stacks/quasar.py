"""Quasar: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="quasar",
        packages=("@quasar/app-vite", "@quasar/app-webpack", "@quasar/app"),
        commands=("quasar",),
        files=("quasar.conf*.js", "quasar.config.*"),
        ui="vue",
        kind=ServiceKind.SPA,
        output="dist/spa",
    )
)
