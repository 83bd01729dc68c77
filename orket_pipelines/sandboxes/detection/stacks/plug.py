"""Plug: an application that starts a server for it."""

from orket_pipelines.sandboxes.detection.mix_projects import framework_rule

RULE = framework_rule("plug", "plug_cowboy", "bandit", "plug+cowboy")
