"""Litestar: a module that makes an application for uvicorn."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, uvicorn

RULE = framework_rule(
    Framework("litestar", "litestar", frozenset({"litestar.Litestar", "litestar.app.Litestar"}), 8000, uvicorn)
)
