"""Micronaut: a program that declares its server."""

from orket_pipelines.sandboxes.detection.jvm_builds import framework_rule

RULE = framework_rule(
    "micronaut",
    ("micronaut-http-server*", "io.micronaut:micronaut-http-server*", "plugin:io.micronaut.application"),
    8080,
)
