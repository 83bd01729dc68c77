"""What a Rust crate declares and uses, and what all Rust frameworks share."""

import posixpath
from dataclasses import dataclass
from typing import Any

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.data import read_toml, table, texts
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_all
from orket_pipelines.sandboxes.detection.tree import Tree
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFEST = "Cargo.toml"
HOPS = 3
"""Crates of the same repository that a program builds upon, and those that they build upon."""


@dataclass(frozen=True, slots=True)
class Crate:
    """A Cargo.toml. `programs` are the names of what it builds to run; `features` those that drivers are chosen by."""

    name: str
    dependencies: frozenset[str]
    optional: frozenset[str]
    features: frozenset[str]
    beside: tuple[str, ...]
    programs: tuple[str, ...]
    library: bool
    members: tuple[str, ...]
    sources: tuple[Source, ...]


def read_crate(site: Site) -> Crate | None:
    """The folder's crate; a workspace without a crate of its own has no name."""
    return site.tree.once(("crate", site.folder.path), lambda: _read(site) if MANIFEST in site.folder.files else None)


def framework_rule(name: str, package: str, port: int) -> Rule:
    """The rule of a framework: a program declares it, or builds upon a crate of this repository that does."""

    def find(site: Site) -> Finding | None:
        crate = read_crate(site)
        if crate is None or not crate.programs or crate.name == package:
            return None
        user = _user(site, crate, package, HOPS)
        if user is None:
            return None
        return Finding(rust_service(site, crate, name, ServiceKind.WEB, f"{user}: declares {package}", port=port))

    return Rule(name, Language.RUST, (MANIFEST,), find)


def rust_service(site: Site, crate: Crate, stack: str, kind: ServiceKind, seen: str, *, port: int | None) -> Service:
    """The crate's program."""
    runs = kind is not ServiceKind.LIBRARY
    program = crate.programs[0] if crate.programs else crate.name
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=(f"./target/release/{program}",) if runs else (),
        build=("cargo", "build", "--release") if runs else (),
        port=port,
        evidence=(seen,),
        language=Language.RUST,
        databases=_databases(crate) if runs else (),
    )


def _read(site: Site) -> Crate:
    document = read_toml(site.tree.read(site.folder.file(MANIFEST)))
    needed = table(document, "dependencies")
    name = table(document, "package").get("name")
    folders = [each for each in site.folders() if each.path.startswith(site.folder.file("src"))]
    files = {each.file(file) for each in folders for file in each.files}
    return Crate(
        name=name if isinstance(name, str) else "",
        dependencies=frozenset(_real(key, value) for key, value in needed.items() if not _is_optional(value)),
        optional=frozenset(_real(key, value) for key, value in needed.items() if _is_optional(value)),
        features=frozenset(
            each for value in needed.values() if isinstance(value, dict) for each in texts(value.get("features"))
        ),
        beside=tuple(
            value["path"] for value in needed.values() if isinstance(value, dict) and isinstance(value.get("path"), str)
        ),
        programs=tuple(_programs(site, document, files, name if isinstance(name, str) else "")),
        library="lib" in document or site.folder.file("src/lib.rs") in files,
        members=tuple(texts(table(document, "workspace").get("members"))),
        sources=tuple(read_all(site.tree, folders, ("*.rs",), Comments.SLASHES)),
    )


def _programs(site: Site, document: dict[str, Any], files: set[str], name: str) -> list[str]:
    told = document.get("bin")
    named = (
        [each["name"] for each in told if isinstance(each, dict) and isinstance(each.get("name"), str)]
        if isinstance(told, list)
        else []
    )
    default = table(document, "package").get("default-run")
    own = [name] if name and site.folder.file("src/main.rs") in files else []
    prefix = site.folder.file("src/bin/")
    binaries = sorted(
        each.removeprefix(prefix).partition("/")[0].removesuffix(".rs") for each in files if each.startswith(prefix)
    )
    return list(dict.fromkeys([*([default] if isinstance(default, str) else []), *own, *named, *binaries]))


def _user(site: Site, crate: Crate, package: str, hops: int) -> str | None:
    """The manifest that declares the framework: the crate's, or one of a crate beside it that it builds upon."""
    if package in crate.dependencies or (package in crate.optional and _is_in_program(site, crate, package)):
        return site.folder.file(MANIFEST)
    for other in _beside(site, crate) if hops else ():
        inner = read_crate(other)
        found = _user(other, inner, package, hops - 1) if inner else None
        if found:
            return found
    return None


def _is_in_program(site: Site, crate: Crate, package: str) -> bool:
    """Whether the program itself names an optional dependency: a feature of its own builds it."""
    main = site.folder.file("src/main.rs")
    name = package.replace("-", "_")
    return any(each.path == main and each.has(name, ":", ":") for each in crate.sources)


def _beside(site: Site, crate: Crate) -> list[Site]:
    """The crates of this repository that a crate builds upon, by their paths or by their names."""
    named = _crates(site.tree)
    paths = {posixpath.normpath(posixpath.join(site.folder.path, each)) for each in crate.beside}
    paths |= {named[each] for each in crate.dependencies if each in named}
    found = (site.tree.folders.get(path) for path in sorted(paths) if path != site.folder.path)
    return [Site(site.tree, folder) for folder in found if folder]


def _crates(tree: Tree) -> dict[str, str]:
    """The folder of each crate of the repository, by its name."""
    return tree.once("crates", lambda: _named_crates(tree))


def _named_crates(tree: Tree) -> dict[str, str]:
    found = {
        folder.path: tree.read(folder.file(MANIFEST)) for folder in tree.folders.values() if MANIFEST in folder.files
    }
    names = {path: table(read_toml(text), "package").get("name") for path, text in found.items()}
    return {name: path for path, name in names.items() if isinstance(name, str)}


def _databases(crate: Crate) -> tuple[str, ...]:
    drivers = databases.of_drivers(crate.dependencies)
    return databases.ordered(
        {
            *drivers,
            *databases.of_drivers(crate.features),
            *(each for name in crate.features for each in databases.of_names(name)),
        }
    )


def _real(key: str, value: Any) -> str:
    renamed = value.get("package") if isinstance(value, dict) else None
    return renamed if isinstance(renamed, str) else key


def _is_optional(value: Any) -> bool:
    return isinstance(value, dict) and value.get("optional") is True
