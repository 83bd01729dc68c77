"""Remix: pages that a server draws."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="remix",
        packages=("@remix-run/dev", "@remix-run/serve", "@remix-run/node", "@remix-run/react"),
        commands=("remix", "remix:vite", "remix-serve"),
        files=("remix.config.*",),
        folders=("app",),
        ui="react",
        kind=ServiceKind.WEB,
    )
)
