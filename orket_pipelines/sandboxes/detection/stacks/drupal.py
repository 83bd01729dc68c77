"""Drupal: a project with its site."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule(
    "drupal",
    ("drupal/core-recommended", "drupal/core"),
    ("web/index.php", "web/sites/default/default.settings.php", "index.php", "composer.lock"),
    "web",
)
