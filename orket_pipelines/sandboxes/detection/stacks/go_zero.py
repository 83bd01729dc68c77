"""go-zero: a Go program that imports its server."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule("go-zero", "github.com/zeromicro/go-zero/rest", "github.com/tal-tech/go-zero/rest")
