"""Falcon: a module that makes an application for a WSGI server."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, gunicorn

RULE = framework_rule(
    Framework("falcon", "falcon", frozenset({"falcon.App", "falcon.API", "falcon.asgi.App"}), 8000, gunicorn)
)
