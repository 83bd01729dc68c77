"""RedwoodJS: pages and their API in one workspace."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="redwood",
        packages=("@redwoodjs/core",),
        commands=("rw",),
        files=("redwood.toml",),
        ui="react",
        kind=ServiceKind.WEB,
        port=8910,
    )
)
