"""Ember: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="ember",
        packages=("ember-cli", "ember-source"),
        commands=("ember",),
        files=("ember-cli-build.js",),
        kind=ServiceKind.SPA,
    )
)
