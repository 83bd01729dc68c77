"""ThinkPHP: a project with its command."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("thinkphp", ("topthink/framework",), ("think", "public/index.php"))
