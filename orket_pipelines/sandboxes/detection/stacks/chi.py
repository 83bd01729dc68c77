"""chi: a Go program that imports it."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule("chi", "github.com/go-chi/chi")
