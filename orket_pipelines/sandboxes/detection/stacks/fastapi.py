"""FastAPI: a module that makes an application, or a factory that uvicorn can call."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from orket_pipelines.sandboxes.detection.python_code import (
    Code,
    Module,
    Place,
    assigned,
    held,
    import_name,
    read_code,
    top_level,
)
from orket_pipelines.sandboxes.detection.python_manifests import MANIFESTS, declaration
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.stacks.fastapi_routes import health_path, makes
from orket_pipelines.sandboxes.model import Service, ServiceKind

PORT = 8000
USUAL_MODULES = ("main", "app", "api", "server", "asgi", "__init__")
"""Where applications lie by convention, best first."""
APPLICATIONS_LIMIT = 100
PICKED_AMONG_EQUALS, NOT_DECLARED = 0.4, 0.6

_harmless_decorators = frozenset({"functools.lru_cache", "functools.cache"})


@dataclass(frozen=True, slots=True)
class Application:
    """What uvicorn is pointed at: a variable, or (`factory`) a function. `made` is where the FastAPI itself is held."""

    target: Place
    made: Place
    factory: bool

    def rank(self, site: Site) -> tuple[int, int, int]:
        """Lower is likelier to be the one that is meant: near the root, named as usual, ready rather than a factory."""
        _, name = import_name(site, self.target.module)
        last = "__init__" if self.target.module.package else name.rpartition(".")[2]
        usual = USUAL_MODULES.index(last) if last in USUAL_MODULES else len(USUAL_MODULES)
        return (int(usual == len(USUAL_MODULES)), name.count("."), 2 * usual + int(self.factory))


def find(site: Site) -> Finding | None:
    """The folder's application. A framework that is declared and not used makes no service."""
    code = read_code(site, "fastapi")
    found = sorted(
        islice(_applications(code), APPLICATIONS_LIMIT),
        key=lambda each: (each.rank(site), each.target.module.path, each.target.name),
    )
    manifest = declaration(site, "fastapi")
    if not found:
        uncallable = tuple(_uncallable(code))
        return Finding(None, uncallable) if manifest and uncallable else None
    best = found[0]
    equals = [each for each in found[1:] if each.rank(site) == best.rank(site) and each.made != best.made]
    ambiguities = [
        *([_several([best, *equals])] if equals else []),
        *([] if manifest else [f"{best.target.module.path}: fastapi is used, and no manifest declares it"]),
        *([f"{manifest}: no uvicorn is declared, which starts it"] if manifest and not _has_server(site) else []),
    ]
    confidence = PICKED_AMONG_EQUALS if equals else 1.0 if manifest else NOT_DECLARED
    return Finding(_service(site, code, best, manifest, confidence), tuple(ambiguities))


def _has_server(site: Site) -> bool:
    return any(declaration(site, each) for each in ("uvicorn", "fastapi[standard]", "fastapi[all]", "fastapi-cli"))


def _service(site: Site, code: Code, best: Application, manifest: str | None, confidence: float) -> Service:
    folder, module = import_name(site, best.target.module)
    health, seen = health_path(code, best.made)
    return Service(
        name="",
        stack="fastapi",
        kind=ServiceKind.WEB,
        folder=site.folder.path,
        start=(
            *("python", "-m", "uvicorn"),
            *(("--factory",) if best.factory else ()),
            *(("--app-dir", folder) if folder != "." else ()),
            *(f"{module}:{best.target.name}", "--host", "0.0.0.0", "--port", "{port}"),  # noqa: S104 - in its container
        ),
        port=PORT,
        health_path=health,
        confidence=confidence,
        evidence=(*([f"{manifest}: declares fastapi"] if manifest else []), _says(best), seen),
    )


def _says(application: Application) -> str:
    target = application.target
    what = f"{target.name}() returns a FastAPI" if application.factory else f"{target.name} is a FastAPI"
    return f"{target.module.path}: {what}"


def _several(applications: list[Application]) -> str:
    places = ", ".join(f"{each.target.module.path} ({each.target.name})" for each in applications)
    return f"several FastAPI applications could be meant: {places}"


def _applications(code: Code) -> Iterator[Application]:
    makers = {(module, name): made for module, name, made in _makers(code)}
    for (module, name), made in makers.items():
        if _is_factory(module, module.functions[name]):
            yield Application(Place(module, name), made, factory=True)
    for module in code.modules:
        for name, value in (pair for statement in top_level(module.tree) for pair in assigned(statement)):
            target = Place(module, name)
            if makes(module, value, "FastAPI"):
                yield Application(target, target, factory=False)
                continue
            # Called here, a factory may need arguments.
            called = code.find(module.origin(value.func)) if isinstance(value, ast.Call) else None
            maker = makers.get((called.module, called.name)) if called else None
            if maker is not None:
                yield Application(target, maker, factory=False)


def _makers(code: Code) -> Iterator[tuple[Module, str, Place]]:
    """Every function that makes and returns a FastAPI, with the variable that holds it there."""
    for module in code.modules:
        for name, function in module.functions.items():
            if (made := _made_by(module, function)) is not None:
                yield module, name, made


def _made_by(module: Module, function: ast.FunctionDef) -> Place | None:
    nodes = list(ast.walk(function))
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    if any(makes(module, value, "FastAPI") for value in returned):
        return Place(module, function.name)
    holds = {name for name, value in held(nodes) if makes(module, value, "FastAPI")}
    return next((Place(module, each.id) for each in returned if isinstance(each, ast.Name) and each.id in holds), None)


def _is_factory(module: Module, function: ast.FunctionDef) -> bool:
    """Whether uvicorn could call it: public, without arguments, and not turned into something else."""
    plain = all(_decorator(module, each) in _harmless_decorators for each in function.decorator_list)
    return plain and not _required(function) and not function.name.startswith("_")


def _required(function: ast.FunctionDef) -> list[str]:
    """The arguments without which it cannot be called."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [
        *(each.arg for each in positional[: len(positional) - len(arguments.defaults)]),
        *(each.arg for each, default in pairs if default is None),
    ]


def _decorator(module: Module, node: ast.expr) -> str | None:
    return module.origin(node.func if isinstance(node, ast.Call) else node)


def _uncallable(code: Code) -> Iterator[str]:
    for module, name, _ in _makers(code):
        if missing := _required(module.functions[name]):
            yield f"{module.path}: {name}() cannot be called without {', '.join(missing)}: give it defaults"


RULE = Rule("fastapi", Language.PYTHON, MANIFESTS, find)
