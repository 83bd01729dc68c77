"""Flask: a module that makes an application, or a factory; behind gunicorn where that is installed."""

from orket_pipelines.sandboxes.detection.python_services import EVERYWHERE, Framework, framework_rule, gunicorn


def run(folder: str, module: str, name: str, factory: bool) -> tuple[str, ...]:  # noqa: FBT001 - a Start
    """Flask's own server."""
    target = f"{module if folder == '.' else f'{folder}/{module}'}:{name}{'()' if factory else ''}"
    return ("python", "-m", "flask", "--app", target, "run", "--host", EVERYWHERE, "--port", "{port}")


RULE = framework_rule(
    Framework(
        "flask",
        "flask",
        frozenset({"flask.Flask", "apiflask.APIFlask", "flask_openapi3.OpenAPI"}),
        5000,
        gunicorn,
        run,
    )
)
