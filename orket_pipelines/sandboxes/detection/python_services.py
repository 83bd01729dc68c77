"""What all Python frameworks share: whether a folder is an application of one, and how that is started."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.hints import has_image, procfile
from orket_pipelines.sandboxes.detection.python_applications import (
    Application,
    Makers,
    acts,
    applications,
    made_anywhere,
    read_with_derived,
    runs,
    uncallable,
)
from orket_pipelines.sandboxes.detection.python_bots import keeps_a_bot_awake
from orket_pipelines.sandboxes.detection.python_code import (
    Module,
    import_name,
    parsed,
    python_files,
    text_of,
)
from orket_pipelines.sandboxes.detection.python_manifests import (
    MANIFESTS,
    Scope,
    declaration,
    manifests,
    project,
    requirements,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

PICKED_AMONG_EQUALS, NOT_DECLARED, RUN_AS_PROGRAM, UNCALLABLE = 0.4, 0.6, 0.6, 0.3
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in its container

Start = Callable[[str, str, str, bool], tuple[str, ...]]
"""From the folder that must be on Python's path, the module, the variable and whether it is a factory to an argv."""


@dataclass(frozen=True, slots=True)
class Framework:
    """A Python framework: `package` is what manifests declare and code imports, `makers` make its applications.

    `own` starts it by the server that it brings, where nothing would install gunicorn; None: it brings none.
    """

    name: str
    package: str
    makers: Makers
    port: int
    start: Start
    own: Start | None = None


def framework_rule(framework: Framework) -> Rule:
    """The rule of a framework about which no more needs to be known."""
    return Rule(framework.name, Language.PYTHON, MANIFESTS, partial(find_with, framework))


def find_with(framework: Framework, site: Site) -> Finding | None:
    """The folder's application. A framework that is declared and not used makes no service, nor do its own sources."""
    if is_own_repository(site, framework.package):
        return None
    code, makers = read_with_derived(site, framework.package, framework.makers)
    found = applications(site, code, makers)
    manifest = declaration(site, framework.package)
    if is_library_using(site, framework.package) or keeps_a_bot_awake(site, code, framework.package):
        return None
    if found:
        return _served(framework, site, found, manifest)
    missing = list(uncallable(code, makers))
    if missing and manifest:
        module, words = missing[0]
        start = ("python", site.folder.inner(module.path))
        return Finding(service(site, framework, start, UNCALLABLE, (words,)), tuple(each for _, each in missing))
    module_ = made_anywhere(code, makers)
    if module_ is None or (manifest is None and not is_program(site)):
        return None
    seen = f"{module_.path}: runs {framework.name} by itself"
    start = ("python", site.folder.inner(module_.path))
    confidence = RUN_AS_PROGRAM if runs(module_) or any(map(acts, module_.tree.body)) else UNCALLABLE
    return Finding(service(site, framework, start, confidence, (*_declares(manifest, framework), seen)))


def is_own_repository(site: Site, package: str) -> bool:
    """Whether this is where the framework itself is made."""
    return any(project(site.tree, folder).name == package for folder in site.tree.above(site.folder))


def is_library_using(site: Site, package: str) -> bool:
    """Whether it is made for others to install, and only its tests, extras or examples need the framework."""
    about = project(site.tree, site.folder)
    started = procfile(site.tree, site.folder) or has_image(site.folder)
    needed = declaration(site, package, Scope.RUNTIME)
    return about.packaged and not needed and (about.published or not started)


def is_program(site: Site) -> bool:
    """Whether it is not built to be installed elsewhere: then what its files do is what it does."""
    return not project(site.tree, site.folder).packaged


def service(
    site: Site, framework: Framework, start: tuple[str, ...], confidence: float, evidence: tuple[str, ...]
) -> Service:
    """A web service of this framework."""
    return Service(
        name="",
        stack=framework.name,
        kind=ServiceKind.WEB,
        folder=site.folder.path,
        start=start,
        port=framework.port,
        confidence=confidence,
        evidence=evidence,
        language=Language.PYTHON,
        databases=python_databases(site),
    )


def python_databases(site: Site) -> tuple[str, ...]:
    """By the drivers that are declared for running, here and around."""
    names = {
        each.name
        for folder in site.tree.above(site.folder)
        for path in manifests(site.tree, folder)
        for each in requirements(site.tree, path)
        if each.scope is Scope.RUNTIME
    }
    found = databases.of_drivers(names)
    for path in python_files(site):
        found |= _in_code(site, path)
    return databases.ordered(found)


def gunicorn(folder: str, module: str, name: str, factory: bool) -> tuple[str, ...]:  # noqa: FBT001 - a Start
    """A WSGI application behind gunicorn."""
    target = f"{module}:{name}()" if factory else f"{module}:{name}"
    path = ("--chdir", folder) if folder != "." else ()
    return ("gunicorn", *path, "--bind", f"{EVERYWHERE}:{{port}}", target)


def uvicorn(folder: str, module: str, name: str, factory: bool) -> tuple[str, ...]:  # noqa: FBT001 - a Start
    """An ASGI application behind uvicorn."""
    return (
        *("python", "-m", "uvicorn"),
        *(("--factory",) if factory else ()),
        *(("--app-dir", folder) if folder != "." else ()),
        *(f"{module}:{name}", "--host", EVERYWHERE, "--port", "{port}"),
    )


def script(folder: str, module: str, name: str, factory: bool) -> tuple[str, ...]:  # noqa: FBT001 - a Start
    """A program that serves by itself."""
    del name, factory
    path = module.replace(".", "/") + ".py"
    return ("python", path if folder == "." else f"{folder}/{path}")


def _served(framework: Framework, site: Site, found: list[Application], manifest: str | None) -> Finding:
    best = found[0]
    folder, module = import_name(site, best.target.module)
    equals = [each for each in found[1:] if each.rank(site) == best.rank(site) and each.made != best.made]
    confidence = PICKED_AMONG_EQUALS if equals else 1.0 if manifest else NOT_DECLARED
    evidence = (*_declares(manifest, framework), f"{best.target.module.path}: makes {best.target.name}")
    starts = framework.own if framework.own is not None and not declaration(site, "gunicorn") else framework.start
    start = starts(folder, module, best.target.name, best.factory)
    doubts = [
        *([several(framework.name, [best, *equals])] if equals else []),
        *([] if manifest else [not_declared(best.target.module, framework.package)]),
    ]
    return Finding(service(site, framework, start, confidence, evidence), tuple(doubts))


def several(name: str, found: list[Application]) -> str:
    """That one was picked among equals."""
    places = ", ".join(f"{each.target.module.path} ({each.target.name})" for each in found)
    return f"several {name} applications could be meant: {places}"


def not_declared(module: Module, package: str) -> str:
    """That nothing would install it."""
    return f"{module.path}: {package} is used, and no manifest declares it"


def _declares(manifest: str | None, framework: Framework) -> tuple[str, ...]:
    return (f"{manifest}: declares {framework.package}",) if manifest else ()


def _in_code(site: Site, path: str) -> set[str]:
    """By the addresses in a module that was parsed anyway, and by its import of sqlite3."""
    module = parsed(site, path)
    if module is None:
        return set()
    addresses = (text for node in module.nodes if (text := text_of(node)) and "://" in text)
    found = {name for each in addresses if (name := databases.of_address(each))}
    own = any(each.partition(".")[0] == "sqlite3" for each in module.origins.values())
    return found | ({"sqlite"} if own else set())
