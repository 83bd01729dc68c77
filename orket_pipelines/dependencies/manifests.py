"""What a checkout declares to depend on. Manifests are parsed, and nothing in them is run."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orket_pipelines.dependencies.node_project import NodeProject, read_node_project
from orket_pipelines.dependencies.reading import FOLDERS, Look
from orket_pipelines.dependencies.requirement_lines import checked, is_of, read_requirements
from orket_pipelines.errors import InstallFailed

OTHER_NODE = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "Yarn", "bun.lock": "Bun", "bun.lockb": "Bun"}
OTHER_PYTHON = frozenset({"uv.lock", "poetry.lock", "pdm.lock", "Pipfile"})
DEPENDENCY_FIELDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True, slots=True)
class Declared:
    """What a checkout asks for. `requirements` are lines for pip, sorted, each once; `node` None where there is none.

    `notes` tell what was seen and does not count.
    """

    requirements: tuple[str, ...] = ()
    node: NodeProject | None = None
    notes: tuple[str, ...] = ()


def read_manifests(found: Look) -> Declared:
    """What the manifests ask for.

    Raises: InstallFailed with the file, where it cannot be read or asks for what is not installed.
    """
    lines = {line for path in sorted(found.contents) for line in _python_lines(path, found)}
    return Declared(tuple(sorted(lines)), _node_project(found), tuple(_notes(found)))


def _python_lines(path: str, found: Look) -> Iterator[str]:
    """A lock says all that a folder needs; without one, requirements.txt and pyproject.toml add up."""
    folder, _, name = path.rpartition("/")
    beside = f"{folder}/requirements.lock" if folder else "requirements.lock"
    if name == "requirements.lock" or (name == "requirements.txt" and beside not in found.contents):
        yield from read_requirements(path, found.contents[path])
    elif name == "pyproject.toml" and beside not in found.contents:
        yield from _project_lines(path, found.contents[path])


def _project_lines(path: str, content: bytes) -> Iterator[str]:
    document = _parsed_toml(path, content)
    project = _table(document, "project", path)
    groups = list(_lists(_table(project, "optional-dependencies", path), path))
    groups += list(_lists(_table(document, "dependency-groups", path), path))
    for each in [*_list(project.get("dependencies", []), path), *(line for group in groups for line in group)]:
        # All groups are taken, so that one which includes another adds nothing.
        if isinstance(each, dict) and set(each) == {"include-group"}:
            continue
        if not isinstance(each, str):
            raise _refused(path, f"declares {str(each)[:80]!r}, which is no requirement")
        if not is_of(each, str(project.get("name", ""))):
            yield checked(path, each)


def _node_project(found: Look) -> NodeProject | None:
    declaring = []
    for path in sorted(found.contents):
        if path.rpartition("/")[2] == "package.json":
            package = _parsed_json(path, found.contents[path])
            if "workspaces" in package:
                raise _refused(path, "has workspaces, which are not supported yet", "Keep one package.json.")
            if any(package.get(field) for field in DEPENDENCY_FIELDS):
                declaring.append((path, package))
    if len(declaring) > 1:
        names = ", ".join(path for path, _ in declaring)
        reason = "has dependencies, and so has another; one Node project in a repository is supported yet: " + names
        raise _refused(declaring[1][0], reason, "Keep one package.json.")
    if not declaring:
        return None
    path, package = declaring[0]
    folder = path.removesuffix("package.json")
    _require_npm(folder, found)
    lock = f"{folder}package-lock.json"
    return read_node_project(
        path, package, _parsed_json(lock, found.contents[lock]) if lock in found.contents else None
    )


def _require_npm(folder: str, found: Look) -> None:
    if f"{folder}package-lock.json" in found.contents:
        return
    for name, manager in OTHER_NODE.items():
        if f"{folder}{name}" in found.noticed:
            step = f"Use npm: delete {name} and commit a package-lock.json."
            raise _refused(f"{folder}{name}", f"is a lock of {manager}, which is not supported yet", step)


def _notes(found: Look) -> Iterator[str]:
    for path in sorted(found.noticed):
        if path.rpartition("/")[2] in OTHER_PYTHON:
            yield f"{path} is not read: pip installs what requirements and pyproject.toml name"
    for path, content in sorted(found.contents.items()):
        if path.endswith("pyproject.toml"):
            yield from _unread_parts(path, _parsed_toml(path, content))
    if not found.complete:
        yield f"only the first {FOLDERS} folders were looked into"


def _unread_parts(path: str, document: Mapping[str, Any]) -> Iterator[str]:
    project, tools = _table(document, "project", path), _table(document, "tool", path)
    if "dependencies" in _list(project.get("dynamic", []), path):
        yield f"{path} has dynamic dependencies, which only its build could tell: they are not installed"
    if "dependencies" not in project and "poetry" in tools:
        yield f"{path} names dependencies under tool.poetry, which are not read: move them to project.dependencies"


def _parsed_toml(path: str, content: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"is not TOML: {str(error)[:200]}") from error


def _parsed_json(path: str, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"is not JSON: {str(error)[:200]}") from error
    if not isinstance(found, dict):
        raise _refused(path, "must be an object")
    return found


def _table(document: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise _refused(path, f"must have a table at {name}")
    return found


def _lists(table: Mapping[str, Any], path: str) -> Iterator[list[Any]]:
    return (_list(found, path) for found in table.values())


def _list(found: Any, path: str) -> list[Any]:
    if not isinstance(found, list):
        raise _refused(path, "must name dependencies in lists")
    return found


def _refused(path: str, reason: str, next_step: str = "") -> InstallFailed:
    return InstallFailed(f"{path} {reason}", next_step=next_step or f"Correct {path}.")
