"""Create React App, and what rewires it: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="cra",
        packages=("react-scripts", "@craco/craco", "react-app-rewired"),
        commands=("react-scripts", "craco", "react-app-rewired"),
        ui="react",
        kind=ServiceKind.SPA,
        output="build",
    )
)
