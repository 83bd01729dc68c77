"""Hugo: pages that are built into a folder; a theme for it is a library."""

from orket_pipelines.sandboxes.detection.data import read_json, read_toml, read_yaml
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

_named = ("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json")
_old = ("config.toml", "config.yaml", "config.yml", "config.json")
_keys = frozenset({"baseURL", "baseurl", "baseUrl", "languageCode", "theme", "paginate", "markup", "taxonomies"})
_folders = ("content", "archetypes", "layouts", "themes")
_parts = ("config/_default", "config/production")
"""Folders that hold the configuration in parts."""


def find(site: Site) -> Finding | None:
    """A configuration of its own name, or of a common name with Hugo's keys beside Hugo's folders."""
    if site.folder.path.endswith(_parts):
        return None
    names = (*_named, "theme.toml")
    name = next((each for each in names if each in site.folder.files), None) or _configured(site)
    if name is None:
        return None
    theme = "theme.toml" in site.folder.files
    return Finding(
        Service(
            name="",
            stack=Language.STATIC if theme else "hugo",
            kind=ServiceKind.LIBRARY if theme else ServiceKind.STATIC,
            folder=site.folder.path,
            build=() if theme else ("hugo", "--minify"),
            output=None if theme else "public",
            evidence=(f"{site.folder.file(name)}: configures Hugo",),
            language=Language.STATIC,
        )
    )


def _configured(site: Site) -> str | None:
    has_folder = any(site.folder.file(each) in site.tree.folders for each in _folders)
    if any(site.folder.file(each) in site.tree.folders for each in _parts) and has_folder:
        return "config"
    for name in _old if has_folder else ():
        text = site.tree.read(site.folder.file(name)) if name in site.folder.files else None
        document = (
            read_toml(text) if name.endswith("toml") else read_json(text) if name.endswith("json") else read_yaml(text)
        )
        if isinstance(document, dict) and not _keys.isdisjoint(document):
            return name
    return None


RULE = Rule("hugo", Language.STATIC, (*_named, "config.toml", "theme.toml"), find)
