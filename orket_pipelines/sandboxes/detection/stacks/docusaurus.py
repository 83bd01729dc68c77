"""Docusaurus: documentation that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.model import ServiceKind

RULE = builder_rule(
    Builder(
        name="docusaurus",
        packages=("@docusaurus/core",),
        commands=("docusaurus",),
        files=("docusaurus.config.*",),
        ui="react",
        kind=ServiceKind.STATIC,
        output="build",
    )
)
