"""Starlette: a module that makes an application for uvicorn."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, uvicorn

RULE = framework_rule(
    Framework("starlette", "starlette", frozenset({"starlette.applications.Starlette"}), 8000, uvicorn)
)
