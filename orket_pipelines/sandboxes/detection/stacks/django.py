"""Django: a manage.py that names settings, beside or below what declares it."""

import ast
import shlex
from collections.abc import Iterator
from dataclasses import replace

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.python_code import Module, read_module, text_of
from orket_pipelines.sandboxes.detection.python_manifests import MANIFESTS, declaration
from orket_pipelines.sandboxes.detection.python_services import (
    EVERYWHERE,
    Framework,
    gunicorn,
    is_own_repository,
    service,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.tree import Folder
from orket_pipelines.sandboxes.model import Service

DJANGO = Framework("django", "django", frozenset(), 8000, gunicorn)
SETTINGS_LIMIT = 6
"""Files of settings that are read: base, development, production…"""


def find(site: Site) -> Finding | None:
    """The project nearest to the folder. Settings that lie in tests are a library's, made to be tested."""
    for folder in site.folders():
        module = read_module(site, folder.file("manage.py")) if "manage.py" in folder.files else None
        settings = _settings_name(module) if module else None
        if module and settings and not _is_for_tests(settings) and not is_own_repository(site, "django"):
            return _found(site, folder, module, settings)
    return None


def _found(site: Site, folder: Folder, manage: Module, settings: str) -> Finding | None:
    modules = list(_settings_modules(site, folder, settings))
    manifest = declaration(site, "django")
    imports = any(origin.partition(".")[0] == "django" for origin in manage.origins.values())
    if not (manifest or modules or imports):
        return None
    path = folder.path if site.folder.path == "." else folder.path.removeprefix(site.folder.path).lstrip("/") or "."
    evidence = (f"{manage.path}: settings {settings}", *([f"{manifest}: declares django"] if manifest else []))
    start = _wsgi(modules, path) if declaration(site, "gunicorn") else None
    found = service(site, DJANGO, start or _run(path), 1.0 if manifest else 0.8, evidence)
    return Finding(_migrated(_with_databases(found, modules), _manage(path)))


def _settings_name(manage: Module) -> str | None:
    """What DJANGO_SETTINGS_MODULE is set to."""
    for node in manage.nodes:
        given = node.args if isinstance(node, ast.Call) else ()
        if len(given) == 2 and text_of(given[0]) == "DJANGO_SETTINGS_MODULE":  # noqa: PLR2004 - a name and its value
            return text_of(given[1]) or "settings"
        if isinstance(node, ast.Assign) and any(_is_setting(each) for each in node.targets):
            return text_of(node.value) or "settings"
    return None


def _is_setting(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and text_of(target.slice) == "DJANGO_SETTINGS_MODULE"


def _is_for_tests(settings: str) -> bool:
    return not {"test", "tests", "example", "demo", "sandbox", "testproject"}.isdisjoint(settings.split(".")[:-1])


def _settings_modules(site: Site, folder: Folder, settings: str) -> Iterator[Module]:
    """The settings that manage.py names, and those that lie beside them in a package of settings."""
    path = folder.file(settings.replace(".", "/"))
    parent, _, name = path.rpartition("/")
    for candidate in (path, parent if parent.endswith("settings") else ""):
        package = site.tree.folders.get(candidate)
        files = [package.file(name) for name in sorted(package.files)[:SETTINGS_LIMIT]] if package and candidate else []
        yield from (each for file in files if file.endswith(".py") and (each := read_module(site, file)))
    plain = site.tree.folders.get(parent or ".")
    if plain and f"{name}.py" in plain.files and (module := read_module(site, plain.file(f"{name}.py"))):
        yield module


def _run(path: str) -> tuple[str, ...]:
    """Django's own server."""
    return ("python", _manage(path), "runserver", "--noreload", f"{EVERYWHERE}:{{port}}")


def _wsgi(modules: list[Module], path: str) -> tuple[str, ...] | None:
    """gunicorn, where the settings name a WSGI application."""
    for module in modules:
        for node in module.nodes:
            value = text_of(node.value) if isinstance(node, ast.Assign) else None
            names = (
                [each.id for each in node.targets if isinstance(each, ast.Name)] if isinstance(node, ast.Assign) else []
            )
            if value and "WSGI_APPLICATION" in names:
                target, _, name = value.rpartition(".")
                return gunicorn(path, target, name, False)  # noqa: FBT003 - a Start
    return None


def _manage(path: str) -> str:
    return "manage.py" if path == "." else f"{path}/manage.py"


def _migrated(found: Service, manage: str) -> Service:
    """With its tables made before it starts, where it has a database: a new one is empty."""
    if not found.databases:
        return found
    start = shlex.join(found.start)
    return replace(found, start=("sh", "-c", f"python {shlex.quote(manage)} migrate --noinput && exec {start}"))


def _with_databases(found: Service, modules: list[Module]) -> Service:
    """With the engines that the settings name."""
    named = {
        each
        for module in modules
        for node in module.nodes
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if text_of(key) == "ENGINE" and (text := text_of(value)) and "backends" in text.split(".")
        for each in databases.of_names(text)
    }
    return replace(found, databases=databases.ordered({*found.databases, *named}))


RULE = Rule("django", Language.PYTHON, MANIFESTS, find)
