"""CakePHP: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("cakephp", ("cakephp/cakephp",), ("webroot/index.php", "bin/cake", "bin/cake.php"), "webroot")
