"""Robyn: an application that serves by itself."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(Framework("robyn", "robyn", frozenset({"robyn.Robyn"}), 8080, script))
