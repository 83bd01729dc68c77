"""Jekyll: pages that are built into a folder; a theme for it is a library."""

from orket_pipelines.sandboxes.detection.composer import has_file
from orket_pipelines.sandboxes.detection.gems import MANIFESTS, gems, is_gem
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

_folders = ("_posts", "_layouts", "_includes")
_gems = frozenset({"jekyll", "github-pages", "jekyll-theme-chirpy", "minima", "just-the-docs", "al_folio"})


def find(site: Site) -> Finding | None:
    """A configuration, and a gem or the folders that Jekyll looks into. Without a Gemfile it is a static page."""
    configured = next((each for each in ("_config.yml", "_config.yaml", "_config.toml") if has_file(site, each)), None)
    folder = next((each for each in _folders if site.folder.file(each) in site.tree.folders), None)
    asked = not gems(site).isdisjoint(_gems) or any(each.startswith("jekyll") for each in gems(site))
    if (
        configured is None
        or is_gem(site)
        or not (asked or folder)
        or ("package.json" in site.folder.files and not (asked or folder))
    ):
        return None
    ruby = "Gemfile" in site.folder.files
    return Finding(
        Service(
            name="",
            stack="jekyll",
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            build=("bundle", "exec", "jekyll", "build") if ruby else ("jekyll", "build"),
            output="_site",
            evidence=(f"{site.folder.file(configured)}: configures Jekyll",),
            language=Language.RUBY if ruby else Language.STATIC,
        )
    )


RULE = Rule("jekyll", Language.RUBY, (*MANIFESTS, "_config.yml"), find)
