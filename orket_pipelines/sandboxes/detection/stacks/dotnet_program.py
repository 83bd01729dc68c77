""".NET without a framework: functions of a cloud, a worker, a program, or a library."""

from orket_pipelines.sandboxes.detection.dotnet_projects import MANIFESTS, dotnet_service, read_project
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_functions = ("Microsoft.Azure.Functions.Worker.Extensions.Http", "Microsoft.NET.Sdk.Functions")


def find(site: Site) -> Finding | None:
    """Tests and what hosts others for development are neither."""
    project = read_project(site)
    if project is None or project.tests or project.hosts:
        return None
    if any(each.startswith(_functions) for each in project.packages):
        seen = f"{project.path}: functions that answer requests"
        return Finding(dotnet_service(site, project, Language.DOTNET, ServiceKind.WEB, seen, port=7071))
    job = project.runs or project.sdk.endswith(".Worker")
    kind = ServiceKind.JOB if job else ServiceKind.LIBRARY
    seen = f"{project.path}: {'a program' if job else 'classes for others'}"
    return Finding(dotnet_service(site, project, Language.DOTNET, kind, seen, port=None))


RULE = Rule("dotnet", Language.DOTNET, MANIFESTS, find)
