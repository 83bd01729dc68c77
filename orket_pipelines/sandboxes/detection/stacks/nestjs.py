"""NestJS: a server, whatever serves below it."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="nestjs",
        packages=("@nestjs/core",),
        commands=("nest",),
        files=("nest-cli.json",),
        folders=("src",),
        kind=ServiceKind.WEB,
    )
)
