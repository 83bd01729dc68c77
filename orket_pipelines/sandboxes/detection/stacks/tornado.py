"""Tornado: an application that serves by itself."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(Framework("tornado", "tornado", frozenset({"tornado.web.Application"}), 8888, script))
