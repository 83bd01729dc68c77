"""A Node project as npm gets to see it: what it depends on, and no scripts, paths or settings of its own."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orket_pipelines.errors import InstallFailed

FIELDS = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_NAME = r"(?:@[a-z0-9~-][\w.~-]*/)?[a-z0-9~-][\w.~-]*"
_is_name = re.compile(_NAME, re.ASCII | re.IGNORECASE).fullmatch
# What begins with a dot, or ends like an archive, npm takes for a file.
_is_version = re.compile(
    rf"(?![.])(?!.*[.](?:tgz|tar|tar[.]gz)$)(?:(?:npm:{_NAME}@)?[\w.^~<>=|*+ -]*|npm:{_NAME}|\${_NAME})",
    re.ASCII | re.IGNORECASE,
).fullmatch
_is_override = re.compile(rf"{_NAME}(?:@[\w.^~<>=|*+ -]*)?|\.", re.ASCII | re.IGNORECASE).fullmatch
_is_place = re.compile(rf"node_modules/{_NAME}(?:/node_modules/{_NAME})*", re.ASCII | re.IGNORECASE).fullmatch
DEPTH = 10
"""Overrides in overrides."""


@dataclass(frozen=True, slots=True)
class NodeProject:
    """`package` and `lock` are the texts that npm reads; `lock` None where npm chooses versions itself."""

    path: str
    package: str
    lock: str | None


def read_node_project(path: str, package: Mapping[str, Any], lock: Mapping[str, Any] | None) -> NodeProject:
    """Keep of package.json what says which packages are needed.

    Raises: InstallFailed where it, or the lock, asks for anything that no package source has.
    """
    kept = {name: package[name] for name in ("name", "version") if isinstance(package.get(name), str)}
    for field in FIELDS:
        if package.get(field):
            kept[field] = _checked_versions(path, field, package[field])
    if package.get("overrides"):
        kept["overrides"] = _checked_overrides(path, package["overrides"], DEPTH)
    lock_path = f"{path.removesuffix('package.json')}package-lock.json"
    checked = None if lock is None else _text(_checked_lock(lock_path, lock))
    return NodeProject(path, _text(kept), checked)


def _checked_versions(path: str, field: str, found: Any) -> dict[str, str]:
    if not isinstance(found, dict):
        raise _refused(path, f"must have an object at {field}")
    for name, version in found.items():
        _require(path, name, version, _is_name(name))
    return found


def _checked_overrides(path: str, found: Any, depth: int) -> dict[str, Any]:
    if not isinstance(found, dict) or depth == 0:
        raise _refused(path, "must have an object at overrides, and few in each other")
    for name, version in found.items():
        if isinstance(version, dict):
            _checked_overrides(path, version, depth - 1)
        else:
            _require(path, name, version, _is_override(name))
    return found


def _require(path: str, name: str, version: Any, usable_name: object) -> None:
    if not usable_name or not isinstance(version, str) or not _is_version(version):
        shown = ascii(f"{name}: {version}"[:120])
        reason = f"asks for {shown}, which is not installed: it is no name with a version"
        raise _refused(
            path, reason, "Name packages with versions only; paths, addresses and repositories are not used."
        )


def _checked_lock(path: str, lock: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises: InstallFailed where an entry lies elsewhere than in node_modules, or comes from elsewhere than HTTPS."""
    packages = lock.get("packages")
    if not isinstance(packages, dict):
        raise _refused(path, "is of an old npm", "Write it anew with npm 7 or later: npm install --package-lock-only")
    for place, entry in packages.items():
        if not isinstance(entry, dict):
            raise _refused(path, f"has no object at {place[:120]!a}")
        source = entry.get("resolved", "https://")
        plain = not entry.get("link") and isinstance(source, str) and source.startswith("https://")
        if place and (not _is_place(place) or not plain):
            reason = f"has {place[:120]!a}, which comes from no package source: {str(source)[:120]!a}"
            raise _refused(path, reason, "Depend on published packages only, then: npm install --package-lock-only")
    return {name: lock[name] for name in ("name", "version", "lockfileVersion", "packages") if name in lock}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, indent=1)


def _refused(path: str, reason: str, next_step: str = "") -> InstallFailed:
    return InstallFailed(f"{path} {reason}", next_step=next_step or f"Correct {path}.")
