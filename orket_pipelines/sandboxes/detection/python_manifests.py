"""What Python projects declare: pyproject.toml, requirements, Pipfile, setup.cfg, setup.py and Conda's, parsed."""

import ast
import configparser
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatch

from orket_pipelines.sandboxes.detection.data import read_toml, read_yaml, table, texts
from orket_pipelines.sandboxes.detection.python_code import parse
from orket_pipelines.sandboxes.detection.python_projects import Project
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

MANIFESTS = (
    *("pyproject.toml", "requirements*.txt", "*requirements.txt", "Pipfile", "setup.cfg", "setup.py"),
    *("environment.yml", "environment.yaml", "manage.py", "uv.lock", "poetry.lock"),
)
CONFIGURATION_LIMIT = 32 * 1024
"""Characters of a setup.cfg."""
INCLUDES_LIMIT = 8
"""Requirements that include requirements that include…"""

_name = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")
_development = re.compile(
    r"(^|[-_.])(dev|develop|development|test|tests|testing|docs?|lint|ci|typing|local-dev)([-_.]|$)"
)


class Scope(Enum):
    """When a dependency is there: whenever the program runs, on demand, or for whoever works on it."""

    RUNTIME = 0
    OPTIONAL = 1
    DEVELOPMENT = 2


@dataclass(frozen=True, slots=True)
class Requirement:
    """`name` is normalized, or `name[extra]`."""

    name: str
    scope: Scope


def declaration(site: Site, package: str, *scopes: Scope) -> str | None:
    """The manifest that declares `package`: the folder's own, or one of a folder around it (a workspace's root)."""
    wanted = scopes or (Scope.RUNTIME, Scope.OPTIONAL)
    for folder in site.tree.above(site.folder):
        for path in manifests(site.tree, folder):
            if any(Requirement(package, scope) in requirements(site.tree, path) for scope in wanted):
                return path
    return None


def declared(site: Site) -> dict[str, str]:
    """What the folder's own manifests need to run, each with its manifest."""
    return {
        each.name: path
        for path in manifests(site.tree, site.folder)
        for each in requirements(site.tree, path)
        if each.scope is not Scope.DEVELOPMENT
    }


def manifests(tree: Tree, folder: Folder) -> list[str]:
    """The paths of the folder's Python manifests, those in a folder `requirements` too."""
    return tree.once(("python manifests", folder.path), lambda: _manifests(tree, folder))


def _manifests(tree: Tree, folder: Folder) -> list[str]:
    names = [name for pattern in MANIFESTS for name in sorted(folder.files) if fnmatch(name, pattern)]
    inner = tree.folders.get(folder.file("requirements"))
    listed = [inner.file(name) for name in sorted(inner.files) if name.endswith(".txt")] if inner else []
    return [*dict.fromkeys(folder.file(name) for name in names), *listed]


def requirements(tree: Tree, path: str) -> frozenset[Requirement]:
    """What a manifest declares; nothing where it cannot be read."""
    return tree.once(("requirements", path), lambda: frozenset(_requirements(tree, path)))


def project(tree: Tree, folder: Folder) -> Project:
    """What the folder's packaging says of itself."""
    return tree.once(("python project", folder.path), lambda: _project(tree, folder))


def is_program_of_rust(tree: Tree, folder: Folder) -> bool:
    """Whether the packaging but brings a program to Python's users that is written in Rust."""
    document = read_toml(tree.read(folder.file("pyproject.toml")) if "pyproject.toml" in folder.files else None)
    return table(document, "tool", "maturin").get("bindings") == "bin"


def _project(tree: Tree, folder: Folder) -> Project:
    document = read_toml(tree.read(folder.file("pyproject.toml")) if "pyproject.toml" in folder.files else None)
    told, poetry = table(document, "project"), table(document, "tool", "poetry")
    setup = _setup_call(tree.read(folder.file("setup.py"))) if "setup.py" in folder.files else {}
    cfg = _configuration(tree.read(folder.file("setup.cfg"))) if "setup.cfg" in folder.files else None
    name = told.get("name") or poetry.get("name") or _literal(setup.get("name")) or _option(cfg, "metadata", "name")
    scripts = [*table(told, "scripts"), *table(poetry, "scripts"), *_setup_scripts(setup, cfg)]
    classifiers = (
        texts(told.get("classifiers")) or texts(poetry.get("classifiers")) or _listed(setup.get("classifiers"))
    )
    classifiers += _option(cfg, "metadata", "classifiers").splitlines()
    backend = table(document, "build-system").get("build-backend")
    about = told.get("description") or poetry.get("description") or _literal(setup.get("description"))
    return Project(
        name=_normal(name) if isinstance(name, str) else "",
        packaged=bool(setup or _option(cfg, "metadata", "name") or scripts or (backend and (told or poetry))),
        scripts=tuple(sorted(each for each in scripts if each.isprintable())),
        classifiers=tuple(each.strip() for each in classifiers if each.strip()),
        backend=backend if isinstance(backend, str) else "",
        description=about if isinstance(about, str) else _option(cfg, "metadata", "description"),
    )


def _requirements(tree: Tree, path: str) -> Iterator[Requirement]:
    text, name = tree.read(path), path.rpartition("/")[2]
    if text is None:
        return
    if name.endswith(".txt"):
        stem = name.removesuffix(".txt").replace("requirements", "")
        scope = Scope.DEVELOPMENT if _development.search(stem.lower()) else Scope.RUNTIME
        yield from _of(_lines(tree, path, text, INCLUDES_LIMIT), scope)
    elif name in _readers:
        yield from _readers[name](text)


def _lines(tree: Tree, path: str, text: str, hops: int) -> Iterator[str]:
    """The lines of a requirements file and of those that it includes."""
    for line in text.splitlines():
        plain = line.strip()
        if plain.startswith(("-r", "--requirement")):
            other = posixpath.normpath(
                posixpath.join(posixpath.dirname(path), plain.partition(" ")[2].strip() or plain[2:])
            )
            included = tree.read(other) if hops and other != path and not other.startswith(("..", "/")) else None
            yield from _lines(tree, other, included, hops - 1) if included else ()
        elif not plain.startswith(("#", "-")):
            yield plain


def _pyproject(text: str) -> Iterator[Requirement]:
    document = read_toml(text)
    told, poetry, tools = table(document, "project"), table(document, "tool", "poetry"), table(document, "tool")
    yield from _of(texts(told.get("dependencies")), Scope.RUNTIME)
    for extra in table(told, "optional-dependencies").values():
        yield from _of(texts(extra), Scope.OPTIONAL)
    for name, wanted in table(poetry, "dependencies").items():
        given = wanted if isinstance(wanted, dict) else {}
        scope = Scope.OPTIONAL if given.get("optional") is True else Scope.RUNTIME
        yield from _of([f"{name}[{','.join(texts(given.get('extras')))}]"], scope)
    for name, group in table(poetry, "group").items():
        scope = Scope.DEVELOPMENT if _development.search(name) else Scope.OPTIONAL
        yield from _of(table(group, "dependencies"), scope)
    for name, listed in table(document, "dependency-groups").items():
        yield from _of(texts(listed), Scope.DEVELOPMENT if _development.search(name) else Scope.OPTIONAL)
    yield from _of(table(poetry, "dev-dependencies"), Scope.DEVELOPMENT)
    yield from _of(texts(table(tools, "uv").get("dev-dependencies")), Scope.DEVELOPMENT)
    for listed in table(tools, "pdm", "dev-dependencies").values():
        yield from _of(texts(listed), Scope.DEVELOPMENT)


def _pipfile(text: str) -> Iterator[Requirement]:
    document = read_toml(text)
    yield from _of(table(document, "packages"), Scope.RUNTIME)
    yield from _of(table(document, "dev-packages"), Scope.DEVELOPMENT)


def _setup_cfg(text: str) -> Iterator[Requirement]:
    parser = _configuration(text)
    yield from _of(_option(parser, "options", "install_requires").splitlines(), Scope.RUNTIME)
    extras = parser["options.extras_require"] if parser and parser.has_section("options.extras_require") else {}
    for name in extras:
        yield from _of(extras[name].splitlines(), Scope.DEVELOPMENT if _development.search(name) else Scope.OPTIONAL)


def _setup_py(text: str) -> Iterator[Requirement]:
    """`install_requires` and `extras_require` where they are written out; whatever is computed stays unknown."""
    call = _setup_call(text)
    yield from _of(_listed(call.get("install_requires")), Scope.RUNTIME)
    extras = call.get("extras_require")
    for value in extras.values if isinstance(extras, ast.Dict) else ():
        yield from _of(_listed(value), Scope.OPTIONAL)


def _conda(text: str) -> Iterator[Requirement]:
    document = read_yaml(text)
    listed = document.get("dependencies") if isinstance(document, dict) else None
    for each in listed if isinstance(listed, list) else ():
        yield from _of(texts(each.get("pip") if isinstance(each, dict) else each), Scope.RUNTIME)


def _setup_call(text: str | None) -> dict[str, ast.expr]:
    """The arguments of `setup(…)`; a name stands for what the module assigns to it."""
    module = parse(text or "")
    if module is None:
        return {}
    names = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and getattr(called, "id", getattr(called, "attr", "")) == "setup":
            pairs = {each.arg: each.value for each in node.keywords if each.arg}
            return {
                key: names.get(value.id, value) if isinstance(value, ast.Name) else value
                for key, value in pairs.items()
            }
    return {}


def _setup_scripts(setup: dict[str, ast.expr], cfg: configparser.ConfigParser | None) -> Iterator[str]:
    points = setup.get("entry_points")
    lines = _option(cfg, "options.entry_points", "console_scripts").splitlines()
    if isinstance(points, ast.Dict):
        for key, value in zip(points.keys, points.values, strict=True):
            lines += _listed(value) if _literal(key) == "console_scripts" else []
    yield from (line.partition("=")[0].strip() for line in lines if "=" in line)


def _configuration(text: str | None) -> configparser.ConfigParser | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string((text or "")[:CONFIGURATION_LIMIT])
    except configparser.Error:
        return None
    return parser


def _option(parser: configparser.ConfigParser | None, section: str, key: str) -> str:
    return parser.get(section, key, fallback="") if parser else ""


def _literal(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _listed(node: ast.expr | None) -> list[str]:
    items = node.elts if isinstance(node, ast.List | ast.Tuple) else [node] if node else []
    return [text for each in items if (text := _literal(each))]


def _of(requirements: Iterable[str], scope: Scope) -> Iterator[Requirement]:
    for each in requirements:
        found = _name.match(each)
        if found:
            yield from (Requirement(name, scope) for name in _with_extras(found[1], found[2] or ""))


def _with_extras(name: str, extras: str) -> list[str]:
    plain = _normal(name)
    return [plain, *(f"{plain}[{extra.strip().lower()}]" for extra in extras.split(",") if extra.strip())]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


_readers = {
    "pyproject.toml": _pyproject,
    "Pipfile": _pipfile,
    "setup.cfg": _setup_cfg,
    "setup.py": _setup_py,
    "environment.yml": _conda,
    "environment.yaml": _conda,
}
