"""Hertz: a Go program that imports it."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule("hertz", "github.com/cloudwego/hertz")
