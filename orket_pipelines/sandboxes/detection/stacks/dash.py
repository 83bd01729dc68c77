"""Dash: a program that shows a page of its own."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(Framework("dash", "dash", frozenset({"dash.Dash", "dash.dash.Dash"}), 8050, script))
