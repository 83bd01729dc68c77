"""Pages as they are: an index.html that nothing builds."""

import posixpath

from orket_pipelines.sandboxes.detection.browser_extensions import is_extension
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

_folders = ("public", "www", "html", "src", "site", "htdocs", "static", "app", "frontend", "web")


def find(site: Site) -> Finding | None:
    """In the folder, or in one that usually holds what is served; a Staticfile says so, too."""
    path = _page(site)
    if path is None or _is_template(site) or is_extension(site.tree, site.folder):
        return None
    return Finding(
        Service(
            name="",
            stack=Language.STATIC,
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            output=path,
            evidence=(f"{site.folder.file(path) if path != '.' else site.folder.path}: a page that nothing builds",),
            language=Language.STATIC,
        )
    )


def _is_template(site: Site) -> bool:
    """Whether an application of Flutter is built into the page."""
    around = site.tree.folders.get(posixpath.dirname(site.folder.path) or ".")
    return any(each and "pubspec.yaml" in each.files for each in (site.folder, around))


def _page(site: Site) -> str | None:
    if "index.html" in site.folder.files or "index.htm" in site.folder.files:
        return "."
    for name in _folders:
        folder = site.tree.folders.get(site.folder.file(name))
        if folder and "index.html" in folder.files:
            return name
    return "." if "Staticfile" in site.folder.files else None


RULE = Rule("static", Language.STATIC, ("index.html", "Staticfile"), find)
