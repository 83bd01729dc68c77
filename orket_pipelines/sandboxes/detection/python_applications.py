"""Applications that Python modules make: variables that a server is pointed at, and functions that return one."""

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
    is_main_guard,
    read_code,
    top_level,
)
from orket_pipelines.sandboxes.detection.rule import Site

USUAL_MODULES = ("main", "app", "api", "server", "asgi", "wsgi", "application", "run", "__init__")
"""Where applications lie by convention, best first."""
APPLICATIONS_LIMIT = 100

Makers = frozenset[str]
"""The dotted names of what makes an application when it is called."""

_harmless_decorators = frozenset({"functools.lru_cache", "functools.cache"})


@dataclass(frozen=True, slots=True)
class Application:
    """What a server is pointed at: a variable, or (`factory`) a function. `made` is where the application is held."""

    target: Place
    made: Place
    factory: bool

    def rank(self, site: Site) -> tuple[int, int, int]:
        """Lower is likelier to be the one that is meant: near the root, named as usual, ready rather than a factory."""
        _, name = import_name(site, self.target.module)
        last = "__init__" if self.target.module.package else name.rpartition(".")[2]
        usual = USUAL_MODULES.index(last) if last in USUAL_MODULES else len(USUAL_MODULES)
        return (int(usual == len(USUAL_MODULES)), name.count("."), 2 * usual + int(self.factory))


def makes(module: Module, node: ast.AST | None, makers: Makers) -> bool:
    """Whether an expression calls one of the makers, or a class of this module derived from one."""
    if not isinstance(node, ast.Call):
        return False
    origin = module.origin(node.func)
    derived = module.classes.get((origin or "").removeprefix(f"{module.name}."))
    return origin in makers or any(module.origin(base) in makers for base in (derived.bases if derived else ()))


def read_with_derived(site: Site, package: str, makers: Makers) -> tuple[Code, Makers]:
    """The modules that matter, and what makes applications in them: classes that the folder derives, too."""
    code = read_code(site, package)
    derived = {
        f"{module.name}.{name}": name
        for module in code.modules
        for name, each in module.classes.items()
        if any(module.origin(base) in makers for base in each.bases)
    }
    if not derived:
        return code, makers
    found = read_code(site, package, *derived.values())
    return found, makers | {
        each for dotted in derived for each in _endings_of(dotted) if found.find(each) == found.find(dotted)
    }


def _endings_of(dotted: str) -> Iterator[str]:
    """`backend.app.Shop` is `app.Shop` to whoever runs in `backend`."""
    while dotted.count("."):
        yield dotted
        dotted = dotted.partition(".")[2]


def applications(site: Site, code: Code, makers: Makers) -> list[Application]:
    """All that a server could be pointed at, the likeliest first."""
    if not _is_used(code, makers):
        return []
    return sorted(
        islice(_applications(code, makers), APPLICATIONS_LIMIT),
        key=lambda each: (each.rank(site), each.target.module.path, each.target.name),
    )


def uncallable(code: Code, makers: Makers) -> Iterator[tuple[Module, str]]:
    """Every function that makes an application and cannot be called without arguments, with what it lacks, in words."""
    for module, name, _ in _makers(code, makers) if _is_used(code, makers) else ():
        if missing := _required(module.functions[name]):
            lacking = ", ".join(missing)
            yield module, f"{module.path}: {name}() cannot be called without {lacking}: give it defaults"


def made_anywhere(code: Code, makers: Makers) -> Module | None:
    """The module that makes an application in a place where no server finds it: it runs it by itself."""
    found = [module for module in code.modules if _calls(module, makers)]
    return min(found, key=lambda module: (not runs(module), module.path.count("/")), default=None)


def _is_used(code: Code, makers: Makers) -> bool:
    """Spares the search for what most repositories never name."""
    return any(_calls(module, makers) for module in code.modules)


def _calls(module: Module, makers: Makers) -> bool:
    """Whether it calls one of the makers anywhere, or a class of its own that derives from one."""
    derived = (
        name for name, each in module.classes.items() if any(module.origin(base) in makers for base in each.bases)
    )
    return not makers.isdisjoint(module.called) or any(f"{module.name}.{name}" in module.called for name in derived)


def runs(module: Module) -> bool:
    """Whether it does something when it is run as a program."""
    return any(is_main_guard(statement) for statement in module.tree.body)


def acts(statement: ast.stmt) -> bool:
    """Whether it does something at once, rather than define something."""
    if isinstance(statement, ast.For | ast.While | ast.AsyncFor | ast.With):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Await)


def _applications(code: Code, makers: Makers) -> Iterator[Application]:
    functions = {(module, name): made for module, name, made in _makers(code, makers)}
    for (module, name), made in functions.items():
        if _is_factory(module, module.functions[name]):
            yield Application(Place(module, name), made, factory=True)
    for module in code.modules:
        for name, value in (pair for statement in top_level(module.tree) for pair in assigned(statement)):
            target = Place(module, name)
            if makes(module, value, makers):
                yield Application(target, target, factory=False)
                continue
            # Called here, a factory may need arguments.
            called = code.find(module.origin(value.func)) if isinstance(value, ast.Call) else None
            maker = functions.get((called.module, called.name)) if called else None
            if maker is not None:
                yield Application(target, maker, factory=False)


def _makers(code: Code, makers: Makers) -> Iterator[tuple[Module, str, Place]]:
    """Every function that makes and returns an application, with the variable that holds it there."""
    for module in code.modules:
        for name, function in module.functions.items():
            if (made := _made_by(module, function, makers)) is not None:
                yield module, name, made


def _made_by(module: Module, function: ast.FunctionDef, makers: Makers) -> Place | None:
    nodes = list(ast.walk(function))
    returned = [node.value for node in nodes if isinstance(node, ast.Return)]
    if any(makes(module, value, makers) for value in returned):
        return Place(module, function.name)
    holds = {name for name, value in held(nodes) if makes(module, value, makers)}
    return next((Place(module, each.id) for each in returned if isinstance(each, ast.Name) and each.id in holds), None)


def _is_factory(module: Module, function: ast.FunctionDef) -> bool:
    """Whether a server could call it: public, without arguments, and not turned into something else."""
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
