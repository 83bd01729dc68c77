""".NET that serves nothing: a worker, a program, or a library."""

from orket_pipelines.sandboxes.detection.dotnet_projects import MANIFESTS, dotnet_service, read_project
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind


def find(site: Site) -> Finding | None:
    """Tests and what hosts others for development are neither."""
    project = read_project(site)
    if project is None or project.tests or project.hosts:
        return None
    job = project.runs or project.sdk.endswith(".Worker")
    kind = ServiceKind.JOB if job else ServiceKind.LIBRARY
    seen = f"{project.path}: {'a program' if job else 'classes for others'}"
    return Finding(dotnet_service(site, project, Language.DOTNET, kind, seen, port=None))


RULE = Rule("dotnet", Language.DOTNET, MANIFESTS, find)
