"""What all Go frameworks share: whether a module's programs serve by one, and how they are built and started."""

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.go_code import COMMAND_LINES, MANIFEST, GoModule, read_go
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import Service, ServiceKind

PORT = 8080
MANIFESTS = (MANIFEST,)
COMMANDS = frozenset({"cmd", "internal/cmd", "pkg/cmd", "commands"})
MANY_COMMANDS = 10
"""Folders of commands that are no programs of their own; a server that can be asked to migrate has a few."""
USUAL = ("server", "api", "web", "app", "http")
"""What the program that serves is called, among several."""


def framework_rule(name: str, *packages: str) -> Rule:
    """The rule of a framework: a module with programs imports it. Its own module only lists it as itself."""

    def find(site: Site) -> Finding | None:
        module = read_go(site)
        if module is None or not module.programs or any(module.name.startswith(each) for each in packages):
            return None
        source = module.importing(*packages)
        if source and ((module.is_library and _is_at_root(site, source)) or _is_one_of_many(site, module)):
            return None
        return (
            Finding(go_service(site, module, name, ServiceKind.WEB, f"{source.path}: imports {name}"))
            if source
            else None
        )

    return Rule(name, Language.GO, MANIFESTS, find)


def _is_one_of_many(site: Site, module: GoModule) -> bool:
    """Whether serving is but one of the many things that its command does when it is asked."""
    inner = [site.folder.inner(each.path) for each in site.folders()]
    folders = [each for each in inner if each.rpartition("/")[0] in COMMANDS and each not in module.programs]
    return len(folders) >= MANY_COMMANDS and module.importing(*COMMAND_LINES) is not None


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
