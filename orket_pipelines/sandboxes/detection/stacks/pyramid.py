"""Pyramid: a configurator that makes an application for a WSGI server."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(Framework("pyramid", "pyramid", frozenset({"pyramid.config.Configurator"}), 6543, script))
