"""What Node projects declare: package.json and the files of workspaces, parsed."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from orket_pipelines.sandboxes.detection.data import read_json, read_yaml, table, texts
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

MANIFEST = "package.json"
MEMBER = "project.json"
"""What Nx knows a member of its workspace by, where the root's package.json declares for all."""
WORKSPACES_LIMIT = 200
"""Patterns of a workspace's members."""
LOCKS = {
    "pnpm-lock.yaml": "pnpm",
    "yarn.lock": "yarn",
    "bun.lockb": "bun",
    "bun.lock": "bun",
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
}
"""The package manager of each lock file."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package.json. `dependencies`, `tools` (devDependencies) and `peers` are names with their versions as written.

    `exports`: it says what others may import. `published`: it is made for strangers to install.
    """

    path: str
    name: str = ""
    main: str | None = None
    dependencies: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    workspaces: tuple[str, ...] = ()
    exports: bool = False
    commands: bool = False
    published: bool = False
    manager: str | None = None

    def uses(self, name: str) -> bool:
        return name in self.dependencies or name in self.tools

    def words(self, *scripts: str) -> list[str]:
        """The words of these scripts, of all without names."""
        wanted = scripts or tuple(self.scripts)
        return [word for name in wanted for word in split(self.scripts.get(name, ""))]


def read_package(tree: Tree, folder: Folder) -> Package | None:
    """The folder's package; None where there is none, or none that can be read."""

    def find() -> Package | None:
        own = _read(tree, folder, folder.file(MANIFEST)) if MANIFEST in folder.files else None
        return own or _member(tree, folder)

    return tree.once(("package", folder.path), find)


def _read(tree: Tree, folder: Folder, path: str) -> Package | None:
    document = read_json(tree.read(path))
    if not document:
        return None
    main, name, manager = document.get("main"), document.get("name"), document.get("packageManager")
    # Bun begins a program with a module and with TypeScript as its peer: neither makes a library.
    library = any(key in document for key in ("exports", "types", "typings"))
    # A page is put into a registry as a whole; there is nothing to import in it.
    page = "index.html" in folder.files and not any(key in document for key in ("main", "module", "bin"))
    library = library or (not page and any(key in document for key in ("publishConfig", "files")))
    library = library or ("main" in document and _is_built(document.get("module")))
    peers = {name: at for name, at in _texts(document.get("peerDependencies")).items() if name != "typescript"}
    return Package(
        path=path,
        name=name if isinstance(name, str) else "",
        main=main if isinstance(main, str) else None,
        dependencies=_texts(document.get("dependencies")),
        tools=_texts(document.get("devDependencies")),
        peers=peers,
        scripts=_texts(document.get("scripts")),
        workspaces=tuple(_workspaces(tree, folder, document)[:WORKSPACES_LIMIT]),
        exports=("main" in document or library) and not _is_command_alone(document),
        commands="bin" in document,
        published=(library or bool(peers)) and document.get("private") is not True and bool(name),
        manager=manager.partition("@")[0] if isinstance(manager, str) else None,
    )


def _member(tree: Tree, folder: Folder) -> Package | None:
    """A member of Nx's workspace: what its targets run stands for its scripts."""
    if MEMBER not in folder.files or "nx.json" not in tree.folders["."].files:
        return None
    document = read_json(tree.read(folder.file(MEMBER)))
    targets = {**table(document, "architect"), **table(document, "targets")}
    scripts = {name: _target(target) for name, target in targets.items() if isinstance(target, dict)}
    library = document.get("projectType") == "library"
    return Package(path=folder.file(MEMBER), scripts={} if library else scripts, exports=library)


def _target(target: dict[str, Any]) -> str:
    """`next build` of `@nx/next:build`, and the command where one is named."""
    plugin, _, verb = str(target.get("executor") or target.get("builder") or "").rpartition(":")
    command = table(target, "options").get("command") or target.get("command") or ""
    return f"{plugin.rpartition('/')[2]} {verb} {command}"


def declares(site: Site, package: Package, name: str) -> str | None:
    """The manifest that declares `name`: the package's own, or the one of a workspace that it is a member of."""
    if package.uses(name):
        return package.path
    root = workspace_of(site.tree, site.folder)
    return root.path if root and root.uses(name) else None


def workspace_of(tree: Tree, folder: Folder) -> Package | None:
    """The workspace that the folder is a member of."""
    for around in tree.above(folder):
        root = read_package(tree, around) if around is not folder else None
        if root and (is_member(root.workspaces, folder.path, around.path) or _is_known_to_nx(folder, around)):
            return root
    return None


def _is_known_to_nx(folder: Folder, around: Folder) -> bool:
    return "nx.json" in around.files and MEMBER in folder.files


def is_member(patterns: tuple[str, ...], path: str, root: str) -> bool:
    """Whether a folder is what a workspace at `root` means by its patterns."""
    inner = path if root == "." else path.removeprefix(f"{root}/")
    positive = [each.removeprefix("./").rstrip("/") for each in patterns if not each.startswith("!")]
    negative = [each[1:].removeprefix("./").rstrip("/") for each in patterns if each.startswith("!")]
    return any(_matches(inner, each) for each in positive) and not any(_matches(inner, each) for each in negative)


def manager_of(site: Site) -> str:
    """The package manager, by the lock files of the folder and of those around it."""
    for folder in site.tree.above(site.folder):
        package = read_package(site.tree, folder)
        if package and package.manager in {"pnpm", "yarn", "bun", "npm"}:
            return package.manager
        found = next((manager for lock, manager in LOCKS.items() if lock in folder.files), None)
        if found:
            return found
    return "npm"


def split(script: str) -> list[str]:
    """The words of a script."""
    try:
        return shlex.split(script)
    except ValueError:
        return script.split()


def _matches(inner: str, pattern: str) -> bool:
    if "**" in pattern:
        return fnmatch(inner, pattern) or fnmatch(inner, pattern.replace("**/", ""))
    return fnmatch(inner, pattern) and inner.count("/") == pattern.count("/")


def _workspaces(tree: Tree, folder: Folder, document: dict[str, Any]) -> list[str]:
    given = document.get("workspaces")
    found = texts(given.get("packages") if isinstance(given, dict) else given)
    if "pnpm-workspace.yaml" in folder.files:
        told = read_yaml(tree.read(folder.file("pnpm-workspace.yaml")))
        found += texts(told.get("packages")) if isinstance(told, dict) else []
    if "lerna.json" in folder.files and not found:
        found += texts(read_json(tree.read(folder.file("lerna.json"))).get("packages")) or ["packages/*"]
    return found


def _is_command_alone(document: dict[str, Any]) -> bool:
    """Whether a package installs commands, and says of nothing but a command that others may import it."""
    if "bin" not in document or any(key in document for key in ("module", "exports", "types", "typings")):
        return False
    commands = document["bin"]
    paths = commands.values() if isinstance(commands, dict) else [commands]
    return "main" not in document or any(_is_same_file(document["main"], each) for each in paths)


def _is_same_file(one: Any, other: Any) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one.removeprefix("./") == other.removeprefix("./")


def _is_built(module: Any) -> bool:
    """Whether a package's `module` is what a build leaves for others, and not the source that Bun begins with."""
    return isinstance(module, str) and not module.endswith((".ts", ".tsx"))


def _texts(value: Any) -> dict[str, str]:
    return {key: each for key, each in value.items() if isinstance(each, str)} if isinstance(value, dict) else {}
