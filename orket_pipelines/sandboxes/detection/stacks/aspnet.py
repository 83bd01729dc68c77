"""ASP.NET: a project of the web SDK, or of the framework that came before it."""

from orket_pipelines.sandboxes.detection.dotnet_projects import MANIFESTS, dotnet_service, read_project
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind


def find(site: Site) -> Finding | None:
    """What runs beside it to host it for development is none."""
    project = read_project(site)
    if project is None or project.tests or project.hosts:
        return None
    web = project.sdk.startswith("Microsoft.NET.Sdk.Web") or (project.serves and project.runs)
    old = "Web.config" in site.folder.files and not project.sdk
    if not (web or old) or project.sdk == "Microsoft.NET.Sdk.WebAssembly":
        return None
    if not project.runs and project.declared_output == "Library" and not old:
        return None
    return Finding(
        dotnet_service(site, project, "aspnet", ServiceKind.WEB, f"{project.path}: a web project", port=8080)
    )


RULE = Rule("aspnet", Language.DOTNET, MANIFESTS, find)
