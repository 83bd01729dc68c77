"""GoFrame: a Go program that imports its server."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule("goframe", "github.com/gogf/gf/frame/g", "github.com/gogf/gf/net/ghttp")
