"""Echo: a Go program that imports it."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule("echo", "github.com/labstack/echo")
