"""Python that serves nothing: a job that ends, a command, or a library."""

import ast
from collections.abc import Iterator

from orket_pipelines.sandboxes.detection.hints import has_image, procfile
from orket_pipelines.sandboxes.detection.python_applications import acts, runs
from orket_pipelines.sandboxes.detection.python_code import python_files, read_module
from orket_pipelines.sandboxes.detection.python_manifests import (
    MANIFESTS,
    Scope,
    declaration,
    declared,
    is_program_of_rust,
    project,
)
from orket_pipelines.sandboxes.detection.python_services import is_own_repository, python_databases
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.tree import Folder
from orket_pipelines.sandboxes.model import Service, ServiceKind

PROGRAMS_LIMIT = 25
"""Files that are asked whether they do something when they are run."""
DEPTH = 2
"""How far below the folder a program may lie to be what the folder is for."""
USUAL = ("main.py", "app.py", "run.py", "job.py", "bot.py", "cli.py", "train.py", "__main__.py")
"""What programs are called, best first."""

_queues = frozenset({"celery.Celery", "celery.app.Celery"})
_orchestrators = ("dagster", "apache-airflow", "prefect", "luigi", "kedro")
_drivers = ("selenium", "playwright", "pytest-playwright", "appium-python-client")
_frameworks = ("fastapi", "flask", "django")


def find(site: Site) -> Finding | None:
    """A job where something is to be started, else a library; nothing where there is no Python."""
    if is_program_of_rust(site.tree, site.folder):
        return None
    files = python_files(site)
    notebooks = sorted(
        folder.file(name) for folder in site.folders() for name in folder.files if name.endswith(".ipynb")
    )
    if not files and not notebooks:
        return None
    start, seen = _start(site, files) if files else ((), None)
    job = bool(start) or (bool(notebooks) and not project(site.tree, site.folder).packaged)
    manifests = declared(site)
    unused = tuple(
        f"{manifests[name]}: declares {name}, and no application is made"
        for name in _frameworks
        if name in manifests and not is_own_repository(site, name)
    )
    found = Service(
        name="",
        stack=Language.PYTHON,
        kind=ServiceKind.JOB if job else ServiceKind.LIBRARY,
        folder=site.folder.path,
        start=start,
        evidence=(
            seen or (f"{notebooks[0]}: a notebook" if job else f"{files[0]}: Python that nothing starts"),
            *unused,
        ),
        language=Language.PYTHON,
        databases=python_databases(site) if job else (),
    )
    return Finding(found, unused)


def _start(site: Site, files: list[str]) -> tuple[tuple[str, ...], str | None]:
    """How to start it, and what says so; a library may install commands, and stays one where it says that it is one."""
    if "scrapy.cfg" in site.folder.files:
        return ("scrapy", "list"), f"{site.folder.file('scrapy.cfg')}: spiders to be run"
    if "locustfile.py" in site.folder.files:
        return ("locust", "--headless"), f"{site.folder.file('locustfile.py')}: asks others, to measure them"
    about = project(site.tree, site.folder)
    started = procfile(site.tree, site.folder) or has_image(site.folder)
    if about.calls_itself_library and not started:
        return (), None
    if about.scripts:
        return (about.scripts[0],), f"{site.folder.path}: installs {about.scripts[0]}"
    if about.published and not started:
        return _script(site, [each for each in files if _is_usual(site, each)]) if _is_unpackaged(site) else ((), None)
    packages = _package_program(site)
    if packages[0]:
        return packages
    own = files
    if about.packaged and not _is_unpackaged(site):
        own = [each for each in files if _is_usual(site, each)]
    script = _script(site, own)
    return script if script[0] else _pipeline(site) if about.packaged else _called(site, files)


def _is_unpackaged(site: Site) -> bool:
    """Whether nothing in it is called as its packaging is: then programs are what it holds."""
    name = project(site.tree, site.folder).name.replace("-", "")
    around = (site.folder, *(site.tree.folders.get(site.folder.file(each)) for each in ("src", "lib", "python")))
    held = {each.removesuffix(".py") for folder in around if folder for each in _inside(site, folder)}
    return not any(each.replace("_", "").replace("-", "").lower() in name for each in held)


def _inside(site: Site, folder: Folder) -> Iterator[str]:
    """The names of the modules and packages that lie in a folder."""
    yield from (each for each in folder.files if each.endswith(".py"))
    for each in site.tree.folders.values():
        if each.depth == folder.depth + 1 and folder.contains(each.path) and "__init__.py" in each.files:
            yield each.path.rpartition("/")[2]


def _package_program(site: Site) -> tuple[tuple[str, ...], str | None]:
    for folder in site.folders()[:20]:
        inner = folder.path.removeprefix(f"{site.folder.path}/")
        if "__main__.py" in folder.files and folder is not site.folder and inner.replace("/", "").isidentifier():
            name = inner.removeprefix("src/").replace("/", ".")
            return ("python", "-m", name), f"{folder.file('__main__.py')}: a program"
    return (), None


def _script(site: Site, files: list[str]) -> tuple[tuple[str, ...], str | None]:
    """The program nearest to the folder, one that begins programs by its name first."""
    near = [each for each in files if each.count("/") - site.folder.file("x").count("/") <= DEPTH]
    for path in sorted(near, key=lambda each: (each.count("/"), _name_rank(each), each))[:PROGRAMS_LIMIT]:
        module = read_module(site, path)
        if module and (runs(module) or any(map(acts, module.tree.body))):
            return ("python", site.folder.inner(path)), f"{path}: a program"
    return (), None


def _is_usual(site: Site, path: str) -> bool:
    """Whether it lies in the folder itself, and is named as programs are: what a package has beside it to be run."""
    return site.folder.inner(path) in USUAL


def _pipeline(site: Site) -> tuple[tuple[str, ...], str | None]:
    """A package of steps that an orchestrator runs."""
    name = next((each for each in _orchestrators if declaration(site, each, Scope.RUNTIME)), None)
    return ((name.removeprefix("apache-"),), f"{site.folder.path}: steps that {name} runs") if name else ((), None)


def _called(site: Site, files: list[str]) -> tuple[tuple[str, ...], str | None]:
    """A worker's tasks, or a function that a cloud calls with an event, where nothing is a program."""
    modules = [module for path in files[:PROGRAMS_LIMIT] if (module := read_module(site, path))]
    queue = next((each for each in modules if not _queues.isdisjoint(each.called)), None)
    if queue:
        return ("celery", "-A", queue.name, "worker"), f"{queue.path}: tasks of a worker"
    if any(declaration(site, each) for each in _drivers) and declaration(site, "pytest"):
        return ("pytest",), f"{site.folder.path}: tests of something else"
    handler = next((each for each in modules if any(map(_is_handler, each.functions.values()))), None)
    if handler:
        return ("python", site.folder.inner(handler.path)), f"{handler.path}: a function that is called with events"
    return (), None


def _is_handler(function: ast.FunctionDef) -> bool:
    return [each.arg.lstrip("_") for each in function.args.args] == ["event", "context"]


def _name_rank(path: str) -> int:
    name = path.rpartition("/")[2]
    return USUAL.index(name) if name in USUAL else len(USUAL)


RULE = Rule("python", Language.PYTHON, MANIFESTS, find)
