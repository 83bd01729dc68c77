"""Sanic: an application that serves by itself."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(Framework("sanic", "sanic", frozenset({"sanic.Sanic", "sanic.app.Sanic"}), 8000, script))
