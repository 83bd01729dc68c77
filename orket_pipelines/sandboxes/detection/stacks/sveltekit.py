"""SvelteKit: pages that a server draws, or (with its adapter for it) a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.node_manifests import Package
from orket_pipelines.sandboxes.detection.node_services import Builder, builder_rule
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.model import ServiceKind


def _kind(site: Site, package: Package) -> ServiceKind:
    del site
    return ServiceKind.SPA if package.uses("@sveltejs/adapter-static") else ServiceKind.WEB


RULE = builder_rule(
    Builder(
        name="sveltekit",
        packages=("@sveltejs/kit",),
        commands=("svelte-kit", "vite"),
        files=("svelte.config.*", "vite.config.*"),
        ui="svelte",
        kind=_kind,
        output="build",
        start=("node", "build"),
    )
)
