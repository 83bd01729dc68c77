"""LoopBack: a program that imports it."""

from orket_pipelines.sandboxes.detection.node_services import server_rule

RULE = server_rule("loopback", ("@loopback/core", "@loopback/rest", "loopback"))
