"""What all Go frameworks share: whether a module's programs serve by one, and how they are built and started."""

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.go_code import MANIFEST, GoModule, read_go
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import Service, ServiceKind

PORT = 8080
MANIFESTS = (MANIFEST,)
USUAL = ("server", "api", "web", "app", "http")
"""What the program that serves is called, among several."""


def framework_rule(name: str, *packages: str) -> Rule:
    """The rule of a framework: a module with programs imports it. Its own module only lists it as itself."""

    def find(site: Site) -> Finding | None:
        module = read_go(site)
        if module is None or not module.programs or any(module.name.startswith(each) for each in packages):
            return None
        source = module.importing(*packages)
        if source and module.is_library and _is_at_root(site, source):
            return None
        return (
            Finding(go_service(site, module, name, ServiceKind.WEB, f"{source.path}: imports {name}"))
            if source
            else None
        )

    return Rule(name, Language.GO, MANIFESTS, find)


def _is_at_root(site: Site, source: Source) -> bool:
    """Whether a file is of the package that others import, rather than of a program."""
    return (source.path.rpartition("/")[0] or ".") == site.folder.path


def go_service(site: Site, module: GoModule, stack: str, kind: ServiceKind, seen: str) -> Service:
    """The module's program."""
    program = _program(module)
    runs = kind is not ServiceKind.LIBRARY and program is not None
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=("./app",) if runs else (),
        build=("go", "build", "-o", "app", "." if program == "." else f"./{program}") if runs else (),
        port=PORT if kind is ServiceKind.WEB else None,
        evidence=(seen,),
        language=Language.GO,
        databases=databases.ordered(databases.of_drivers(module.requires | module.imports)) if runs else (),
    )


def _program(module: GoModule) -> str | None:
    def rank(path: str) -> tuple[bool, int, int, str]:
        last = path.rpartition("/")[2]
        return (path != ".", USUAL.index(last) if last in USUAL else len(USUAL), path.count("/"), path)

    return min(module.programs, key=rank, default=None)
