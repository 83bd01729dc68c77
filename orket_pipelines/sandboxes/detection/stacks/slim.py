"""Slim: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("slim", ("slim/slim",), ("public/index.php", "index.php", "src/index.php", "app.php"))
