"""Feathers: a program that imports it, whatever it listens by."""

from orket_pipelines.sandboxes.detection.node_services import server_rule

RULE = server_rule("feathers", ("@feathersjs/feathers", "@feathersjs/express", "@feathersjs/koa"), 3030)
