"""webpack by itself: a page, where it is told of one."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="webpack",
        packages=("html-webpack-plugin", "webpack-dev-server"),
        commands=("webpack", "webpack-dev-server"),
        files=("webpack.config.*", "webpack.*.js"),
        kind=ServiceKind.SPA,
    )
)
