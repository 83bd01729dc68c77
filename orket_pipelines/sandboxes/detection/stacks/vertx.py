"""Vert.x: a program that declares its web server."""

from orket_pipelines.sandboxes.detection.jvm_builds import framework_rule

RULE = framework_rule("vertx", ("vertx-web",), 8888)
