"""Egg: an application that its own commands start."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="egg",
        packages=("egg",),
        commands=("egg-scripts", "egg-bin"),
        kind=ServiceKind.WEB,
        port=7001,
    )
)
