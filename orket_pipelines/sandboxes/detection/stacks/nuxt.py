"""Nuxt: pages that a server draws, or (`ssr: false`, `nuxt generate`) a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_manifests import Package
from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.source import Comments, read_all
from orket_pipelines.sandboxes.model import ServiceKind


def _kind(site: Site, package: Package) -> ServiceKind:
    words = package.words("build")
    generated = any(words[at : at + 2] == ["nuxt", "generate"] for at in range(len(words)))
    configured = read_all(site.tree, [site.folder], ("nuxt.config.*",), Comments.SLASHES)
    page = generated or any(each.has("ssr", ":", "false") for each in configured)
    return ServiceKind.SPA if page else ServiceKind.WEB


RULE = builder_rule(
    Builder(
        name="nuxt",
        packages=("nuxt", "nuxt3", "nuxt-edge"),
        commands=("nuxt", "nuxi"),
        files=("nuxt.config.*",),
        ui="vue",
        kind=_kind,
        output=".output/public",
        start=("node", ".output/server/index.mjs"),
    )
)
