"""AdonisJS: a server with everything."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="adonisjs",
        packages=("@adonisjs/core", "@adonisjs/framework"),
        commands=("ace",),
        files=("adonisrc.ts", ".adonisrc.json", "ace.js", "ace"),
        kind=ServiceKind.WEB,
        port=3333,
    )
)
