"""BlackSheep: a module that makes an application."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, uvicorn

RULE = framework_rule(
    Framework(
        "blacksheep",
        "blacksheep",
        frozenset({"blacksheep.Application", "blacksheep.server.Application"}),
        8000,
        uvicorn,
    )
)
