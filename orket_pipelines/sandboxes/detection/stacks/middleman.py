"""Middleman: pages that are built into a folder."""

from orket_pipelines.sandboxes.detection.gems import MANIFESTS, gems, is_gem
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind


def find(site: Site) -> Finding | None:
    """Its gem, its configuration, and the folder that it looks into."""
    used = "config.rb" in site.folder.files and site.folder.file("source") in site.tree.folders
    if not used or is_gem(site) or "middleman" not in gems(site):
        return None
    return Finding(
        Service(
            name="",
            stack="middleman",
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            build=("bundle", "exec", "middleman", "build"),
            output="build",
            evidence=(f"{site.folder.file('config.rb')}: configures Middleman",),
            language=Language.RUBY,
        )
    )


RULE = Rule("middleman", Language.RUBY, MANIFESTS, find)
