"""What .NET projects declare: csproj, fsproj and vbproj files, parsed; and what all their stacks share."""

import posixpath
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.data import read_xml
from orket_pipelines.sandboxes.detection.node_manifests import read_package
from orket_pipelines.sandboxes.detection.node_services import ui_of
from orket_pipelines.sandboxes.detection.rule import Language, Site
from orket_pipelines.sandboxes.detection.tree import Tree
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFESTS = ("*.csproj", "*.fsproj", "*.vbproj")
PROJECTS_LIMIT = 50
CLIENTS = ("ClientApp", "client", "clientapp")
"""Where a project keeps the page that it builds and serves."""

_testing = ("Microsoft.NET.Test.Sdk", "xunit", "NUnit", "MSTest.TestFramework", "BenchmarkDotNet", "TUnit")


@dataclass(frozen=True, slots=True)
class Project:
    """`runs`: it builds a program. `serves`: it asks for ASP.NET without the web SDK. `hosts`: it but starts others."""

    path: str
    sdk: str
    packages: frozenset[str]
    declared_output: str
    runs: bool
    serves: bool
    tests: bool
    hosts: bool


def read_project(site: Site) -> Project | None:
    """The folder's project, the first by its name where there are several."""
    return site.tree.once(("dotnet", site.folder.path), lambda: _first(site))


def dotnet_service(
    site: Site, project: Project, stack: str, kind: ServiceKind, seen: str, *, port: int | None
) -> Service:
    """What the project builds."""
    runs = kind in {ServiceKind.WEB, ServiceKind.JOB}
    name = posixpath.basename(project.path)
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=("dotnet", f"out/{name.rpartition('.')[0]}.dll") if runs else (),
        build=("dotnet", "publish", name, "-c", "Release", "-o", "out") if kind is not ServiceKind.LIBRARY else (),
        output="out/wwwroot" if kind is ServiceKind.SPA else None,
        port=port,
        evidence=(seen,),
        language=Language.DOTNET,
        ui=_ui(site),
        databases=databases.ordered(databases.of_drivers(_packages(site))) if runs else (),
    )


def _packages(site: Site) -> frozenset[str]:
    """What all projects of the repository ask for: who serves leaves the database to another."""
    return site.tree.once("packages", lambda: _all_packages(site.tree))


def _all_packages(tree: Tree) -> frozenset[str]:
    named = [folder.file(name) for folder in tree.folders.values() for name in folder.files if name.endswith("proj")]
    roots = (read_xml(tree.read(path)) for path in sorted(named)[:PROJECTS_LIMIT])
    return frozenset(
        each.get("Include") or "" for root in roots if root is not None for each in root.iter("PackageReference")
    )


def _first(site: Site) -> Project | None:
    names = sorted(name for name in site.folder.files if name.endswith((".csproj", ".fsproj", ".vbproj")))
    roots = ((name, read_xml(site.tree.read(site.folder.file(name)))) for name in names)
    return next((_read(site, name, root) for name, root in roots if root is not None), None)


def _read(site: Site, name: str, root: Element) -> Project:
    packages = frozenset(each.get("Include") or "" for each in root.iter("PackageReference"))
    frameworks = {each.get("Include") for each in root.iter("FrameworkReference")}
    sdk = root.get("Sdk") or next((each.get("Name") or "" for each in root.iter("Sdk")), "")
    output = _text(root, "OutputType")
    web = sdk.startswith("Microsoft.NET.Sdk.Web")
    return Project(
        path=site.folder.file(name),
        sdk=sdk.partition("/")[0],
        packages=packages,
        declared_output=output,
        runs=output in {"Exe", "WinExe"} or (web and output != "Library"),
        serves="Microsoft.AspNetCore.App" in frameworks,
        tests=_text(root, "IsTestProject").lower() == "true" or any(each.startswith(_testing) for each in packages),
        hosts=_text(root, "IsAspireHost").lower() == "true"
        or "Aspire.Hosting.AppHost" in packages
        or "Aspire.AppHost" in sdk
        or any("Aspire.AppHost" in (each.get("Name") or "") for each in root.iter("Sdk")),
    )


def _text(root: Element, tag: str) -> str:
    return next(((each.text or "").strip() for each in root.iter(tag)), "")


def _ui(site: Site) -> str | None:
    """The library of the page that the project carries with it."""
    for name in ("", *CLIENTS):
        folder = site.tree.folders.get(site.folder.file(name)) if name else site.folder
        package = read_package(site.tree, folder) if folder else None
        if package and (found := ui_of(package)):
            return found
    return None
