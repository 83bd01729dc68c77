"""FastAPI: a module that makes an application, or a factory that uvicorn can call."""

from dataclasses import replace

from orket_pipelines.sandboxes.detection.python_applications import Application, applications
from orket_pipelines.sandboxes.detection.python_code import read_code
from orket_pipelines.sandboxes.detection.python_manifests import MANIFESTS, declaration
from orket_pipelines.sandboxes.detection.python_services import Framework, find_with, uvicorn
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.stacks.fastapi_routes import health_path

FASTAPI = Framework(
    name="fastapi",
    package="fastapi",
    makers=frozenset({"fastapi.FastAPI", "fastapi.applications.FastAPI"}),
    port=8000,
    start=uvicorn,
)


def find(site: Site) -> Finding | None:
    """The folder's application, with the path that tells whether it is well."""
    finding = find_with(FASTAPI, site)
    if finding is None or finding.service is None:
        return finding
    code = read_code(site, FASTAPI.package)
    found = applications(site, code, FASTAPI.makers)
    if not found:
        return finding
    health, seen = health_path(code, found[0].made)
    manifest = declaration(site, FASTAPI.package)
    unserved = [f"{manifest}: no uvicorn is declared, which starts it"] if manifest and not _has_server(site) else []
    evidence = (*finding.service.evidence[:-1], _says(found[0]), seen)
    return Finding(replace(finding.service, health_path=health, evidence=evidence), (*finding.ambiguities, *unserved))


def _has_server(site: Site) -> bool:
    servers = ("uvicorn", "fastapi[standard]", "fastapi[all]", "fastapi-cli", "hypercorn", "granian", "gunicorn")
    return any(declaration(site, each) for each in servers)


def _says(application: Application) -> str:
    target = application.target
    what = f"{target.name}() returns a FastAPI" if application.factory else f"{target.name} is a FastAPI"
    return f"{target.module.path}: {what}"


RULE = Rule("fastapi", Language.PYTHON, MANIFESTS, find)
