"""Zola: pages that are built into a folder."""

from orket_pipelines.sandboxes.detection.data import read_toml
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind


def find(site: Site) -> Finding | None:
    """A configuration with Zola's own keys."""
    document = read_toml(site.tree.read(site.folder.file("config.toml"))) if "config.toml" in site.folder.files else {}
    if "base_url" not in document or site.folder.file("content") not in site.tree.folders:
        return None
    return Finding(
        Service(
            name="",
            stack="zola",
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            build=("zola", "build"),
            output="public",
            evidence=(f"{site.folder.file('config.toml')}: configures Zola",),
            language=Language.STATIC,
        )
    )


RULE = Rule("zola", Language.STATIC, ("config.toml",), find)
