"""Helidon: a program that declares its server."""

from orket_pipelines.sandboxes.detection.jvm_builds import framework_rule

RULE = framework_rule("helidon", ("helidon-webserver*", "helidon-microprofile*", "io.helidon.webserver:*"), 8080)
