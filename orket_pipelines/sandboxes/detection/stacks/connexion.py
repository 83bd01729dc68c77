"""Connexion: an application that serves what its document describes."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(
    Framework(
        "connexion",
        "connexion",
        frozenset({"connexion.App", "connexion.FlaskApp", "connexion.AsyncApp", "connexion.AioHttpApp"}),
        8080,
        script,
    )
)
