"""Meteor: an application that its own command builds and serves."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="meteor",
        packages=("meteor-node-stubs",),
        commands=("meteor",),
        kind=ServiceKind.WEB,
        start=("meteor", "run", "--production"),
    )
)
