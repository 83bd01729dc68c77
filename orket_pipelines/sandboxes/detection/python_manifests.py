"""What Python projects declare: pyproject.toml, requirements, Pipfile, setup.cfg and setup.py, parsed."""

import ast
import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from typing import Any

from orket_pipelines.sandboxes.detection.python_code import parse
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

MANIFESTS = ("pyproject.toml", "requirements*.txt", "Pipfile", "setup.cfg", "setup.py")

_name = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?")


def declaration(site: Site, package: str) -> str | None:
    """The manifest that declares `package`: the folder's own, or one of a folder around it (a workspace's root)."""
    for folder in site.tree.above(site.folder):
        for path in manifests(folder):
            if package in dependencies(site.tree, path):
                return path
    return None


def declared(site: Site) -> dict[str, str]:
    """What the folder's own manifests declare, each with its manifest."""
    return {name: path for path in manifests(site.folder) for name in dependencies(site.tree, path)}


def manifests(folder: Folder) -> list[str]:
    """The paths of the folder's Python manifests."""
    names = [name for pattern in MANIFESTS for name in sorted(folder.files) if fnmatch(name, pattern)]
    return [folder.file(name) for name in names]


def dependencies(tree: Tree, path: str) -> frozenset[str]:
    """The normalized names of the packages that a manifest declares, and `name[extra]` for each extra that it asks for;
    none where it cannot be read.
    """
    text, name = tree.read(path), path.rpartition("/")[2]
    if text is None:
        return frozenset()
    if name.endswith(".txt"):
        return _names(line for line in text.splitlines() if not line.lstrip().startswith(("#", "-")))
    readers = {"pyproject.toml": _pyproject, "Pipfile": _pipfile, "setup.cfg": _setup_cfg, "setup.py": _setup_py}
    return _names(readers[name](text))


def scripts(tree: Tree, folder: Folder) -> list[str]:
    """The names of the commands that the folder's pyproject.toml installs."""
    project = _table(_toml(tree.read(folder.file("pyproject.toml")) or ""), "project")
    return sorted(_table(project, "scripts"))


def _pyproject(text: str) -> Iterator[str]:
    document = _toml(text)
    project, poetry = _table(document, "project"), _table(document, "tool", "poetry")
    yield from _texts(project.get("dependencies"))
    for extra in _table(project, "optional-dependencies").values():
        yield from _texts(extra)
    for name, wanted in _table(poetry, "dependencies").items():
        extras = _texts(wanted.get("extras")) if isinstance(wanted, dict) else []
        yield f"{name}[{','.join(extras)}]"
    for group in _table(poetry, "group").values():
        yield from _table(group, "dependencies")


def _pipfile(text: str) -> Iterator[str]:
    return iter(_table(_toml(text), "packages"))


def _setup_cfg(text: str) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        return
    yield from parser.get("options", "install_requires", fallback="").splitlines()


def _setup_py(text: str) -> Iterator[str]:
    """`install_requires` where it is written out; whatever is computed stays unknown."""
    module = parse(text)
    for node in ast.walk(module) if module else ():
        if isinstance(node, ast.keyword) and node.arg == "install_requires" and isinstance(node.value, ast.List):
            yield from (str(each.value) for each in node.value.elts if isinstance(each, ast.Constant))


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def _table(document: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _names(requirements: Iterable[str]) -> frozenset[str]:
    found = (_name.match(each) for each in requirements)
    return frozenset(name for match in found if match for name in _with_extras(match[1], match[2] or ""))


def _with_extras(name: str, extras: str) -> list[str]:
    plain = re.sub(r"[-_.]+", "-", name).lower()
    return [plain, *(f"{plain}[{extra.strip().lower()}]" for extra in extras.split(",") if extra.strip())]
