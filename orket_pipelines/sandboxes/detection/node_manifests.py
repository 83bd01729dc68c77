"""What Node projects declare: package.json, parsed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

MANIFEST = "package.json"


@dataclass(frozen=True, slots=True)
class Package:
    """A package.json. `dependencies` and `tools` (devDependencies) are names with their versions as written."""

    path: str
    dependencies: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    workspaces: tuple[str, ...] = ()
    exports: bool = False

    def uses(self, name: str) -> bool:
        return name in self.dependencies or name in self.tools


def read_package(tree: Tree, folder: Folder) -> Package | None:
    """The folder's package; None where there is none, or none that can be read."""
    path = folder.file(MANIFEST)
    text = tree.read(path) if MANIFEST in folder.files else None
    try:
        document = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    given = document.get("workspaces")
    members = given.get("packages") if isinstance(given, dict) else given
    return Package(
        path=path,
        dependencies=_texts(document.get("dependencies")),
        tools=_texts(document.get("devDependencies")),
        scripts=_texts(document.get("scripts")),
        workspaces=tuple(each for each in members if isinstance(each, str)) if isinstance(members, list) else (),
        exports=any(key in document for key in ("main", "module", "exports", "types")),
    )


def declares(site: Site, package: Package, name: str) -> str | None:
    """The manifest that declares `name`: the package's own, or the one of a workspace that it is a member of."""
    if package.uses(name):
        return package.path
    for folder in site.tree.above(site.folder):
        root = read_package(site.tree, folder)
        inner = site.folder.path.removeprefix(f"{folder.path}/")
        if root and root.uses(name) and any(fnmatch(inner, pattern.removeprefix("./")) for pattern in root.workspaces):
            return root.path
    return None


def _texts(value: Any) -> dict[str, str]:
    return {key: each for key, each in value.items() if isinstance(each, str)} if isinstance(value, dict) else {}
