"""Phoenix: an application that depends upon it."""

from orket_pipelines.sandboxes.detection.mix_projects import framework_rule

RULE = framework_rule("phoenix", "phoenix")
