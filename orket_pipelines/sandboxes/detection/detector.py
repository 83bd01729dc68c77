"""Puts together what the rules find, folder by folder."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import translate
from pathlib import Path

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection.hints import compose
from orket_pipelines.sandboxes.detection.manifest import read_manifest
from orket_pipelines.sandboxes.detection.plugins import known_rules
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.selection import Found, selected
from orket_pipelines.sandboxes.detection.spoken import by_files_alone, is_written_otherwise
from orket_pipelines.sandboxes.detection.surroundings import with_surroundings
from orket_pipelines.sandboxes.detection.tree import ENTRIES_LIMIT, SERVICE_DEPTH, Folder, Tree
from orket_pipelines.sandboxes.model import Detection, Service, ServiceKind

SITES_LIMIT = 100
"""Folders with manifests that are examined, those nearest the root first."""
DEEPER = frozenset({Language.JAVA, Language.DOTNET})
"""Languages whose projects people put one folder deeper."""
BACKENDS = frozenset({"backend", "server", "api"})
FRONTENDS = frozenset({"frontend", "client", "web", "ui", "webapp"})
DASHBOARDS = frozenset({"streamlit", "streamlit_app", "dashboard", *FRONTENDS})
"""What folders are called that hold a page written in Python, beside one of `BACKENDS`."""
AN_EXAMPLE_ELSEWHERE = 0.6
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

_wild = re.compile(r"[*?\[]")


def detect(root: Path, *, within: float | None = None) -> Detection:
    """What runs in the repository at `root`, found without running any of it.

    Its own manifest comes first, and replaces what would be found. After `within` seconds nothing more is read, and
    what was seen by then decides; None: as long as it takes. Raises: DetectionError where `root` is no folder that can
    be read, the manifest is wrong, or a stack that somebody installed cannot be loaded.
    """
    try:
        resolved = root.resolve(strict=True)
        next(resolved.iterdir(), None)
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DetectionError(f"{root}: cannot be looked into: {reason}", next_step="Name a folder.") from error
    tree = Tree(resolved, within=within)
    manifest = read_manifest(tree, resolved)
    if manifest and manifest.services:
        return manifest
    found = _found(tree)
    if not found.services and tree.complete:
        found = _all_that_is_there(Tree(resolved, within=within, everything=True)) or found
    if not found.services:
        found = replace(found, services=tuple(_named(by_files_alone(tree))))
    return replace(found, front=manifest.front, routes=manifest.routes) if manifest else found


def _found(tree: Tree) -> Detection:
    findings = list(_findings(tree, known_rules()))
    services = selected(tree, [Found(folder, each.service) for folder, each in findings if each.service])
    incomplete = (
        []
        if tree.complete
        else [f"not everything was looked at: only the first {ENTRIES_LIMIT} files, by depth, and for a limited time"]
    )
    return Detection(
        services=tuple(_named([with_surroundings(tree, each) for each in services])),
        ambiguities=(*(each for _, finding in findings for each in finding.ambiguities), *incomplete),
    )


def _all_that_is_there(tree: Tree) -> Detection | None:
    """What is but an example or a demonstration elsewhere; None where there is none of that either."""
    found = _found(tree)
    if not found.services:
        return None
    doubt = f"{found.services[0].folder}: a folder of this name holds but examples elsewhere"
    services = tuple(replace(each, confidence=min(each.confidence, AN_EXAMPLE_ELSEWHERE)) for each in found.services)
    return replace(found, services=services, ambiguities=(*found.ambiguities, doubt))


def _findings(tree: Tree, rules: tuple[Rule, ...]) -> Iterator[tuple[Folder, Finding]]:
    languages = list(dict.fromkeys([*Language, *(rule.language for rule in rules)]))
    asked = {language: [rule for rule in rules if rule.language == language] for language in languages}
    declares = {language: _declaring(asked[language]) for language in languages}
    sites = {language: _sites(tree, language, declares[language]) for language in languages}
    for folder in tree.folders.values():
        for language in languages:
            if folder in sites[language]:
                others = tuple(each for each in sites[language] if each is not folder and folder.contains(each.path))
                finding = _ask(Site(tree, folder, others), asked[language])
                if finding and (declares[language](folder) or not _is_stray(tree, finding)):
                    yield folder, finding


def _declaring(rules: list[Rule]) -> Callable[[Folder], bool]:
    """Whether a folder has a manifest that one of these rules knows."""
    patterns = {pattern for rule in rules for pattern in rule.manifests}
    plain = frozenset(each for each in patterns if not _wild.search(each))
    open_ = re.compile("|".join(map(translate, sorted(patterns - plain))) or r"(?!)")
    return lambda folder: not plain.isdisjoint(folder.files) or any(map(open_.match, folder.files))


def _sites(tree: Tree, language: str, declares: Callable[[Folder], bool]) -> list[Folder]:
    """The root, and every folder near it that has a manifest of the language."""
    depth = SERVICE_DEPTH + (language in DEEPER)
    near = (each for each in tree.folders.values() if each.depth <= depth)
    return [
        each
        for each in near
        if each.path == "." or declares(each) or (language == Language.PYTHON and _is_program_of_root(tree, each))
    ][:SITES_LIMIT]


def _is_stray(tree: Tree, finding: Finding) -> bool:
    """Whether it is but a script or two beside what a repository is written in, which no rule knows."""
    found = finding.service
    ends = found is not None and found.kind in {ServiceKind.JOB, ServiceKind.LIBRARY}
    return found is not None and ends and is_written_otherwise(tree, found.language)


def _is_program_of_root(tree: Tree, folder: Folder) -> bool:
    """Whether a folder holds Python's programs, for which the root declares the packages: beside a page of another
    language, or beside another such folder. What an image of the root runs is the root's."""
    name = folder.path.lower()
    if name not in BACKENDS | DASHBOARDS or any(each.folder == "." for each in compose(tree, tree.folders["."])):
        return False
    beside = [each for each in tree.folders.values() if each.depth == folder.depth and each is not folder]
    if name in BACKENDS and any(each.path in FRONTENDS and "package.json" in each.files for each in beside):
        return True
    counterparts = DASHBOARDS if name in BACKENDS else BACKENDS
    return _has_programs(folder) and any(each.path.lower() in counterparts and _has_programs(each) for each in beside)


def _has_programs(folder: Folder) -> bool:
    """Whether Python lies in it that is no package for what lies around it."""
    return "__init__.py" not in folder.files and any(name.endswith(".py") for name in folder.files)


def _ask(site: Site, rules: Iterable[Rule]) -> Finding | None:
    return next((finding for rule in rules if (finding := rule.find(site)) is not None), None)


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
