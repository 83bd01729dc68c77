"""Blazor in WebAssembly: a page that is built into a folder."""

from orket_pipelines.sandboxes.detection.dotnet_projects import MANIFESTS, dotnet_service, read_project
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind


def find(site: Site) -> Finding | None:
    """The client by itself."""
    project = read_project(site)
    if project is None or project.tests or "BlazorWebAssembly" not in project.sdk:
        return None
    return Finding(
        dotnet_service(site, project, "blazor", ServiceKind.SPA, f"{project.path}: a page in WebAssembly", port=None)
    )


RULE = Rule("blazor", Language.DOTNET, MANIFESTS, find)
