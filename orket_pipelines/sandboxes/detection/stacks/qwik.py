"""Qwik City: pages that a server draws."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="qwik",
        packages=("@builder.io/qwik-city", "@qwik.dev/router"),
        commands=("qwik",),
        folders=("src/routes",),
        ui="qwik",
        kind=ServiceKind.WEB,
    )
)
