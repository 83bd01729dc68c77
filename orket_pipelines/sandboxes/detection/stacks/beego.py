"""Beego: a Go program that imports it."""

from orket_pipelines.sandboxes.detection.go_services import framework_rule

RULE = framework_rule(
    "beego", "github.com/beego/beego/server/web", "github.com/beego/beego", "github.com/astaxie/beego"
)
