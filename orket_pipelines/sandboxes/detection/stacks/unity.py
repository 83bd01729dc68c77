"""A game that Unity builds: it runs on its own, and nothing asks it anything."""

from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

_settings = "ProjectSettings"
_version = "ProjectVersion.txt"


def find(site: Site) -> Finding | None:
    """A folder with the settings of a project."""
    folder = site.tree.folders.get(site.folder.file(_settings))
    if folder is None or _version not in folder.files:
        return None
    seen = f"{folder.file(_version)}: a project of Unity"
    return Finding(
        Service("", Language.DOTNET, ServiceKind.JOB, site.folder.path, evidence=(seen,), language=Language.DOTNET)
    )


RULE = Rule("unity", Language.DOTNET, (), find)
