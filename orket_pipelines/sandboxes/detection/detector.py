"""Puts together what the rules find, folder by folder."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection.manifest import read_manifest
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.stacks import RULES
from orket_pipelines.sandboxes.detection.tree import ENTRIES_LIMIT, SERVICE_DEPTH, Folder, Tree
from orket_pipelines.sandboxes.model import Detection, Service, ServiceKind

SITES_LIMIT = 100
"""Folders with manifests that are examined, those nearest the root first."""
NAME_LENGTH = 30
NAME_OF_KIND = {
    ServiceKind.WEB: "api",
    ServiceKind.SPA: "web",
    ServiceKind.STATIC: "web",
    ServiceKind.JOB: "job",
    ServiceKind.LIBRARY: "library",
}
"""What a service at the root is called; others are called after their folders."""
RESERVED = frozenset({"localhost"})


def detect(root: Path) -> Detection:
    """What runs in the repository at `root`, found without running any of it.

    Its own manifest comes first, and replaces what would be found. Raises: DetectionError where `root` is no folder
    that can be read, or the manifest is wrong.
    """
    try:
        resolved = root.resolve(strict=True)
        next(resolved.iterdir(), None)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DetectionError(f"{root}: cannot be looked into: {reason}", next_step="Name a folder.") from error
    tree = Tree(resolved)
    manifest = read_manifest(tree, resolved)
    if manifest and manifest.services:
        return manifest
    findings = list(_findings(tree))
    incomplete = (
        [] if tree.complete else [f"not everything was looked at: only the first {ENTRIES_LIMIT} files, by depth"]
    )
    found = Detection(
        services=tuple(_named(_worth_telling(finding.service for finding in findings if finding.service))),
        ambiguities=(*(each for finding in findings for each in finding.ambiguities), *incomplete),
    )
    return replace(found, front=manifest.front, routes=manifest.routes) if manifest else found


def _findings(tree: Tree) -> Iterator[Finding]:
    sites = list(_sites(tree))[:SITES_LIMIT]
    for folder in sites:
        others = tuple(other for other in sites if other is not folder and folder.contains(other.path))
        for language in Language:
            finding = _ask(Site(tree, folder, others), [rule for rule in RULES if rule.language is language])
            if finding:
                yield finding


def _sites(tree: Tree) -> Iterator[Folder]:
    """The root, and every folder near it that has a manifest."""
    patterns = sorted({pattern for rule in RULES for pattern in rule.manifests})
    for folder in tree.folders.values():
        declares = any(fnmatch(name, pattern) for name in folder.files for pattern in patterns)
        if folder.path == "." or (folder.depth <= SERVICE_DEPTH and declares):
            yield folder


def _ask(site: Site, rules: Iterable[Rule]) -> Finding | None:
    return next((finding for rule in rules if (finding := rule.find(site)) is not None), None)


def _worth_telling(services: Iterable[Service]) -> list[Service]:
    """Libraries are told of only where nothing else is there: they are parts of what is."""
    found = list(services)
    return [each for each in found if each.kind is not ServiceKind.LIBRARY] or found


def _named(services: list[Service]) -> Iterator[Service]:
    """Each with a name that a network can resolve, and no other service has."""
    taken = set(RESERVED)
    for service in services:
        base = _dns_label(service.folder.rpartition("/")[2]) or NAME_OF_KIND[service.kind]
        name = next(each for number in range(1, len(services) + 3) if (each := _numbered(base, number)) not in taken)
        taken.add(name)
        yield replace(service, name=name)


def _numbered(base: str, number: int) -> str:
    return base if number == 1 else f"{base}-{number}"


def _dns_label(folder: str) -> str:
    """Lower-case letters, digits and dashes; never a number, which would be taken for an address."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.lower())[:NAME_LENGTH].strip("-")
    return f"service-{plain}" if plain[:1].isdigit() else plain
