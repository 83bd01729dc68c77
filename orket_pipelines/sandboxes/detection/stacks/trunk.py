"""Trunk: a page in WebAssembly that is written in Rust."""

from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.rust_crates import MANIFEST, read_crate
from orket_pipelines.sandboxes.model import Service, ServiceKind

_libraries = frozenset({"yew", "leptos", "sycamore", "dioxus", "seed", "mogwai"})


def find(site: Site) -> Finding | None:
    """A program that draws with one of the libraries for pages, and the page that it is put into."""
    crate = read_crate(site)
    if crate is None or not crate.programs or crate.dependencies.isdisjoint(_libraries):
        return None
    page = next((name for name in ("Trunk.toml", "index.html") if name in site.folder.files), None)
    if page is None:
        return None
    return Finding(
        Service(
            name="",
            stack="trunk",
            kind=ServiceKind.SPA,
            folder=site.folder.path,
            build=("trunk", "build", "--release"),
            output="dist",
            evidence=(f"{site.folder.file(page)}: the page that Trunk builds",),
            language=Language.RUST,
        )
    )


RULE = Rule("trunk", Language.RUST, (MANIFEST,), find)
