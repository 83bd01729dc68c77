"""Laravel: a project with its command."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("laravel", ("laravel/framework",), ("artisan", "bootstrap/app.php"))
