"""Sails: a program that lifts it."""

from orket_pipelines.sandboxes.detection.node_services import server_rule

RULE = server_rule("sails", ("sails",), 1337)
