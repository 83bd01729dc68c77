"""TanStack Start: pages that a server draws."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="tanstack-start",
        packages=("@tanstack/react-start", "@tanstack/start", "@tanstack/solid-start"),
        commands=("vite", "vinxi"),
        files=("app.config.*", "vite.config.*"),
        kind=ServiceKind.WEB,
    )
)
