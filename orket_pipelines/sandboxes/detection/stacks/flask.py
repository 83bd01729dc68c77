"""Flask: a module that makes an application, or a factory that gunicorn can call."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, gunicorn

RULE = framework_rule(
    Framework(
        "flask", "flask", frozenset({"flask.Flask", "apiflask.APIFlask", "flask_openapi3.OpenAPI"}), 5000, gunicorn
    )
)
