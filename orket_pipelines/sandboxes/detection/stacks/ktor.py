"""Ktor: a Kotlin program that declares its server."""

from orket_pipelines.sandboxes.detection.jvm_builds import framework_rule

RULE = framework_rule("ktor", ("ktor-server-*", "plugin:io.ktor.plugin"), 8080)
