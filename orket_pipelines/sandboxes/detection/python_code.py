"""Python source as syntax trees, and where the names in it come from; nothing is imported."""

import ast
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from orket_pipelines.sandboxes.detection.rule import Site

ENTRY_NAMES = ("main", "app", "api", "server", "asgi", "__main__", "__init__", "wsgi", "run", "application", "bot")
"""Where programs begin; read whether or not they name the framework."""
FILES_LIMIT = 2_000
"""Files of one folder, the nearest first, and of more those that begin programs: a framework lies no deeper."""
HOPS = 6
"""Re-exports and routers within routers that are followed."""

_test_names = ("test_", "conftest")
_packaging = frozenset({"setup.py", "noxfile.py", "conf.py", "dodo.py", "fabfile.py"})


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A source file. `name` is dotted, as seen from the service's folder; `origins` says what each imported name is.

    `functions` and `classes` are those that importing it defines; `nodes` is the whole tree in a row, walked once;
    `called` is what any of it calls, dotted.
    """

    path: str
    name: str
    package: bool
    tree: ast.Module
    nodes: tuple[ast.AST, ...]
    origins: Mapping[str, str]
    functions: Mapping[str, ast.FunctionDef]
    classes: Mapping[str, ast.ClassDef]
    called: frozenset[str]

    def origin(self, node: ast.AST | None) -> str | None:
        """What a name or a chain of attributes stands for, dotted; a name of the module itself where not imported."""
        return _origin(self.name, self.origins, node)


@dataclass(frozen=True, slots=True)
class Place:
    """A variable or function of a module."""

    module: Module
    name: str


class Code:
    """The modules of a folder that matter to a framework, found by any dotted name that could mean them."""

    def __init__(self, modules: tuple[Module, ...]) -> None:
        self.modules = modules
        self._by_name: dict[str, Module] = {}
        for module in modules:
            parts = module.name.split(".")
            for start in range(len(parts)):
                # `backend.app.main` is `app.main` to whoever runs in `backend`; the longest name wins.
                self._by_name.setdefault(".".join(parts[start:]), module)

    def find(self, origin: str | None) -> Place | None:
        """Where the thing of this dotted name is defined, through re-exports; None where it is not of this folder."""
        for _ in range(HOPS):
            module_name, _, name = (origin or "").rpartition(".")
            module = self._by_name.get(module_name)
            if module is None:
                return None
            if name not in module.origins:
                return Place(module, name)
            origin = module.origins[name]
        return None


def read_code(site: Site, *mentions: str) -> Code:
    """The modules of the folder that begin programs or mention one of these words; tests are left out.

    Those that begin programs and lie nearest come first: there is an end to what is parsed of a repository.
    """
    return Code(tuple(module for path in _candidates(site, mentions) if (module := read_module(site, path))))


def read_module(site: Site, path: str) -> Module | None:
    """A source file; None where it is not Python, or enough was parsed of this repository."""
    return site.tree.once(_key(site, path), lambda: _read(site, path))


def parsed(site: Site, path: str) -> Module | None:
    """A source file that was read already; None where it was not, or is not Python."""
    found: Module | None = site.tree.known(_key(site, path))
    return found


def python_files(site: Site) -> list[str]:
    """The paths of the folder's programs and modules, without its tests and its packaging."""
    return site.tree.once(("python files", site.folder.path), lambda: _files(site))


def _files(site: Site) -> list[str]:
    found = [
        folder.file(file)
        for folder in site.folders()
        for file in sorted(folder.files)
        if file.endswith(".py") and not is_test(file) and file not in _packaging
    ]
    return found if len(found) <= FILES_LIMIT else sorted(found, key=lambda each: not _begins(each))[:FILES_LIMIT]


def _key(site: Site, path: str) -> tuple[str, str, str]:
    return "module", site.folder.path, path


def _read(site: Site, path: str) -> Module | None:
    text = site.tree.read(path)
    return _module(path, site.folder.inner(path), text) if text is not None and site.tree.spend(text) else None


def _candidates(site: Site, words: tuple[str, ...]) -> list[str]:
    begins: list[str] = []
    mentions: list[str] = []
    for path in python_files(site):
        if _begins(path):
            begins.append(path)
        # Only to spare the parser: what the syntax tree does not show counts for nothing.
        elif any(word in (site.tree.read(path) or "") for word in words):
            mentions.append(path)
    return [*begins, *mentions]


def _begins(path: str) -> bool:
    return path.rpartition("/")[2].removesuffix(".py") in ENTRY_NAMES


def is_test(file: str) -> bool:
    return file.startswith(_test_names) or file.endswith("_test.py")


def import_name(site: Site, module: Module) -> tuple[str, str]:
    """The folder that must be on Python's path, relative to the site's, and the module's dotted name as seen from it.

    It is the site's folder, unless a folder on the way cannot be a package, is a `src` that is none, or holds what the
    module imports by its bare name.
    """
    parts = site.folder.inner(module.path).removesuffix(".py").split("/")
    start = max((at + 1 for at, name in enumerate(parts[:-1]) if not name.isidentifier()), default=0)
    if start == 0 and parts[0] == "src" and len(parts) > 1 and not _imports(module, "src"):
        start = 0 if _is_package(site, parts[:1]) else 1
    if start < len(parts) - 1 and _imports_siblings(site, module, parts, start):
        start = len(parts) - 1
    names = parts[start:]
    dotted = ".".join(names[:-1] if module.package and len(names) > 1 else names)
    return "/".join(parts[:start]) or ".", dotted


def parse(text: str) -> ast.Module | None:
    """The syntax tree; None where it is not Python that this Python reads."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """Statements that run at import: `if`, `try` and `with` are entered, `if __name__ == "__main__"` is not."""
    waiting: list[ast.stmt] = list(tree.body)
    for statement in waiting:
        yield statement
        if isinstance(statement, ast.If) and not is_main_guard(statement):
            waiting += [*statement.body, *statement.orelse]
        elif isinstance(statement, ast.Try):
            waiting += [*statement.body, *statement.orelse, *statement.finalbody]
        elif isinstance(statement, ast.With):
            waiting += statement.body


def is_main_guard(statement: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__":`."""
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Compare) and any(
        isinstance(side, ast.Name) and side.id == "__name__" for side in (test.left, *test.comparators)
    )


def held(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Every variable that one of these nodes assigns, with what it is given."""
    for node in nodes:
        yield from assigned(node)


def assigned(node: ast.AST) -> list[tuple[str, ast.expr]]:
    """The plain variables that one statement assigns, with what they are given."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    value = getattr(node, "value", None)
    return [(each.id, value) for each in targets if isinstance(each, ast.Name) and isinstance(value, ast.expr)]


def text_of(node: ast.AST | None) -> str | None:
    """The text of a literal string; None for everything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_package(site: Site, parts: list[str]) -> bool:
    folder = site.tree.folders.get(site.folder.file("/".join(parts)))
    return folder is not None and "__init__.py" in folder.files


def _imports(module: Module, package: str) -> bool:
    return any(origin.partition(".")[0] == package for origin in module.origins.values())


def _imports_siblings(site: Site, module: Module, parts: list[str], start: int) -> bool:
    """Whether the module imports by its bare name what lies beside it, and not where Python would look anyway."""
    wanted = {origin.partition(".")[0] for origin in module.origins.values()}
    own, usual = (_importable(site, parts[:end]) for end in (len(parts) - 1, start))
    return not _is_package(site, parts[:-1]) and bool(wanted & own - usual)


def _importable(site: Site, parts: list[str]) -> set[str]:
    """Names of the modules and folders that lie in a folder of the site."""
    path = site.folder.file("/".join(parts)) if parts else site.folder.path
    folder = site.tree.folders.get(path)
    prefix = "" if path == "." else f"{path}/"
    inner = {each[len(prefix) :] for each in site.tree.folders if each.startswith(prefix)}
    files = {file.removesuffix(".py") for file in folder.files if file.endswith(".py")} if folder else set()
    return files | {name for name in inner if "/" not in name}


def _module(path: str, inner: str, text: str) -> Module | None:
    parts = inner.removesuffix(".py").split("/")
    package = parts[-1] == "__init__"
    tree = parse(text) if parts[-1].isidentifier() else None
    if tree is None:
        return None
    name = ".".join(parts[:-1] if package and len(parts) > 1 else parts)
    nodes = tuple(ast.walk(tree))
    origins = _origins(nodes, name if package else name.rpartition(".")[0])
    statements = list(top_level(tree))
    functions = {each.name: each for each in statements if isinstance(each, ast.FunctionDef)}
    classes = {each.name: each for each in statements if isinstance(each, ast.ClassDef)}
    functions_called = (node.func for node in nodes if isinstance(node, ast.Call))
    called = frozenset(found for each in functions_called if (found := _origin(name, origins, each)))
    return Module(path, name, package, tree, nodes, origins, functions, classes, called)


def _origin(name: str, origins: Mapping[str, str], node: ast.AST | None) -> str | None:
    if isinstance(node, ast.Name):
        return origins.get(node.id, f"{name}.{node.id}")
    if isinstance(node, ast.Attribute) and (base := _origin(name, origins, node.value)):
        return f"{base}.{node.attr}"
    return None


def _origins(nodes: tuple[ast.AST, ...], package: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                found[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - max(node.level - 1, 0)] if node.level else []
            source = ".".join([*filter(None, parents), *([node.module] if node.module else [])])
            found |= {alias.asname or alias.name: f"{source}.{alias.name}" for alias in node.names}
    return found
