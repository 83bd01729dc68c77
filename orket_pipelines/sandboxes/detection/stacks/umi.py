"""Umi: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="umi",
        packages=("umi", "@umijs/max", "@umijs/preset-react"),
        commands=("umi", "max"),
        files=(".umirc.*",),
        ui="react",
        kind=ServiceKind.SPA,
    )
)
