"""React Router as a framework: pages that a server draws, or (`ssr: false`) a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_manifests import Package
from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.source import Comments, read_all
from orket_pipelines.sandboxes.model import ServiceKind


def _kind(site: Site, package: Package) -> ServiceKind:
    del package
    configured = read_all(site.tree, [site.folder], ("react-router.config.*",), Comments.SLASHES)
    return ServiceKind.SPA if any(each.has("ssr", ":", "false") for each in configured) else ServiceKind.WEB


RULE = builder_rule(
    Builder(
        name="react-router",
        packages=("@react-router/dev",),
        commands=("react-router", "react-router-serve"),
        files=("react-router.config.*",),
        ui="react",
        kind=_kind,
        output="build/client",
    )
)
