"""Python programs that a server of their framework runs: nothing in them makes an application."""

from collections.abc import Callable

from orket_pipelines.sandboxes.detection.python_code import Module, read_code
from orket_pipelines.sandboxes.detection.python_manifests import MANIFESTS, declaration
from orket_pipelines.sandboxes.detection.python_services import (
    Framework,
    is_library_using,
    is_own_repository,
    is_program,
    service,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site

ENTRIES = ("streamlit_app", "app", "main", "home", "dashboard", "ui", "web", "chat", "index")
"""What such a program is called, best first."""

Command = Callable[[str], tuple[str, ...]]


def page_rule(name: str, port: int, command: Command) -> Rule:
    """The rule of a framework whose programs import it by its name; `command` starts one, by its path."""

    def find(site: Site) -> Finding | None:
        if is_own_repository(site, name) or is_library_using(site, name):
            return None
        manifest = declaration(site, name)
        modules = [each for each in read_code(site, name).modules if _imports(each, name)]
        if not modules or not (manifest or is_program(site)):
            return None
        best = min(modules, key=lambda module: (_rank(module), module.path))
        evidence = (f"{best.path}: imports {name}", *([f"{manifest}: declares {name}"] if manifest else []))
        framework = Framework(name, name, frozenset(), port, lambda *_: ())
        return Finding(
            service(site, framework, command(site.folder.inner(best.path)), 1.0 if manifest else 0.6, evidence)
        )

    return Rule(name, Language.PYTHON, MANIFESTS, find)


def _imports(module: Module, package: str) -> bool:
    return any(origin.partition(".")[0] == package for origin in module.origins.values())


def _rank(module: Module) -> tuple[int, int]:
    stem = module.path.rpartition("/")[2].removesuffix(".py").lower()
    return (module.path.count("/"), ENTRIES.index(stem) if stem in ENTRIES else len(ENTRIES))
