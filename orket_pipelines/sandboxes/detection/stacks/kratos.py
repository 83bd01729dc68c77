"""Kratos: a Go program that imports it."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule("kratos", "github.com/go-kratos/kratos")
