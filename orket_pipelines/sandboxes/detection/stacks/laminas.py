"""Laminas and Mezzio: a project with its front controller."""

from orket_pipelines.sandboxes.detection.composer import framework_rule

RULE = framework_rule("laminas", ("laminas/laminas-mvc", "mezzio/mezzio"), ("public/index.php",))
