"""Quart: a module that makes an application for an ASGI server."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, uvicorn

RULE = framework_rule(Framework("quart", "quart", frozenset({"quart.Quart"}), 5000, uvicorn))
