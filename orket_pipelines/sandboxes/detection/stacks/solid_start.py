"""SolidStart: pages that a server draws."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="solid-start",
        packages=("@solidjs/start", "solid-start"),
        commands=("vinxi", "solid-start"),
        files=("app.config.*",),
        ui="solid",
        kind=ServiceKind.WEB,
    )
)
