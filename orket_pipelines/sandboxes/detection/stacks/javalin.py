"""Javalin: a program that declares it."""

from orket_pipelines.sandboxes.detection.jvm_builds import framework_rule

RULE = framework_rule("javalin", ("javalin", "javalin-bundle"), 7070)
