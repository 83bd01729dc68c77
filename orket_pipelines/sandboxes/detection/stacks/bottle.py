"""Bottle: an application for a WSGI server, or a module that runs the default one."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(
    Framework("bottle", "bottle", frozenset({"bottle.Bottle", "bottle.run", "bottle.default_app"}), 8080, script)
)
