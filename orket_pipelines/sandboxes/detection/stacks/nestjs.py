"""NestJS: a server, whatever serves below it."""

from orket_pipelines.sandboxes.detection.node_services import server_rule

RULE = server_rule("nestjs", ("@nestjs/core",))
