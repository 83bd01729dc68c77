"""Craft: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("craft", ("craftcms/cms",), ("craft", "web/index.php"), "web")
