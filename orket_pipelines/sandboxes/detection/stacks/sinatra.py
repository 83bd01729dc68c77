"""Sinatra: a program that requires it."""

from orket_pipelines.sandboxes.detection.gems import framework_rule

RULE = framework_rule("sinatra", "sinatra", 4567)
