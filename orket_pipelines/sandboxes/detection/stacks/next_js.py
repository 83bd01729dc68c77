"""Next.js: pages that a server draws, or (`output: "export"`) a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_manifests import Package
from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule, configuration, says
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.model import ServiceKind


def _kind(site: Site, package: Package) -> ServiceKind:
    words = package.words("build", "export")
    exports = any(words[at : at + 2] == ["next", "export"] for at in range(len(words)))
    export = exports or says(configuration(site, "next.config"), "output", "export")
    return ServiceKind.SPA if export else ServiceKind.WEB


RULE = builder_rule(
    Builder(
        name="next",
        packages=("next",),
        commands=("next",),
        files=("next.config.*",),
        folders=("app", "pages", "src/app", "src/pages"),
        ui="react",
        kind=_kind,
        output="out",
    )
)
