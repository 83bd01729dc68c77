"""Symfony: a project with its console or its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule(
    "symfony",
    ("symfony/framework-bundle", "symfony/symfony", "symfony/runtime"),
    ("bin/console", "public/index.php", "app/console", "web/app.php"),
)
