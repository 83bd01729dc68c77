"""Lumen: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("lumen", ("laravel/lumen-framework",), ("artisan", "public/index.php", "bootstrap/app.php"))
