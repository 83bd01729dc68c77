"""Yii: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule(
    "yii", ("yiisoft/yii2",), ("yii", "web/index.php", "frontend/web/index.php", "environments/index.php"), "web"
)
