"""CodeIgniter: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule(
    "codeigniter", ("codeigniter4/framework", "codeigniter/framework"), ("spark", "public/index.php", "index.php")
)
