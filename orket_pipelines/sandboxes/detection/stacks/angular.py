"""Angular: a page that is built into a folder, or (with its server) pages that a server draws."""

from orket_pipelines.sandboxes.detection.data import read_json, table
from orket_pipelines.sandboxes.detection.node_manifests import Package
from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.model import ServiceKind


def _kind(site: Site, package: Package) -> ServiceKind:
    if any(package.uses(each) for each in ("@angular/ssr", "@nguniversal/express-engine")):
        return ServiceKind.WEB
    projects = table(read_json(site.tree.read(site.folder.file("angular.json"))), "projects").values()
    kinds = {each.get("projectType") for each in projects if isinstance(each, dict)}
    return ServiceKind.LIBRARY if kinds == {"library"} else ServiceKind.SPA


RULE = builder_rule(
    Builder(
        name="angular",
        packages=("@angular/core",),
        commands=("ng",),
        files=("angular.json", ".angular-cli.json"),
        kind=_kind,
        port=4000,
    )
)
