"""Astro: a page that is built into a folder, or (with an adapter) pages that a server draws."""

from orket_pipelines.sandboxes.detection.node_manifests import Package
from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.source import Comments, read_all
from orket_pipelines.sandboxes.model import ServiceKind

ADAPTERS = ("node", "vercel", "netlify", "cloudflare", "deno")


def _kind(site: Site, package: Package) -> ServiceKind:
    adapted = any(package.uses(f"@astrojs/{each}") for each in ADAPTERS)
    for source in read_all(site.tree, [site.folder], ("astro.config.*",), Comments.SLASHES):
        if any(source.has("output", ":", f"{quote}{mode}{quote}") for quote in "'\"" for mode in ("server", "hybrid")):
            return ServiceKind.WEB
        if source.has("adapter", ":") and adapted:
            return ServiceKind.WEB
    return ServiceKind.SPA


RULE = builder_rule(
    Builder(
        name="astro",
        packages=("astro",),
        commands=("astro",),
        files=("astro.config.*",),
        kind=_kind,
        port=4321,
        start=("node", "./dist/server/entry.mjs"),
    )
)
