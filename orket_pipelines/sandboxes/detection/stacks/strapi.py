"""Strapi: content behind an API."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="strapi",
        packages=("@strapi/strapi", "strapi"),
        commands=("strapi",),
        kind=ServiceKind.WEB,
        port=1337,
    )
)
