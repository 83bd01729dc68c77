"""What PHP projects declare: composer.json, parsed; and what all PHP frameworks share."""

from dataclasses import dataclass

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.data import read_json, table, texts
from orket_pipelines.sandboxes.detection.node_manifests import read_package
from orket_pipelines.sandboxes.detection.node_services import ui_of
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFEST = "composer.json"
MANIFESTS = (MANIFEST, "index.php", "artisan", "wp-config-sample.php")
PORT = 8000


@dataclass(frozen=True, slots=True)
class Composer:
    """A composer.json; all empty where there is none."""

    path: str
    name: str
    kind: str
    requires: frozenset[str]
    loads: bool
    commands: tuple[str, ...]


def read_composer(site: Site) -> Composer:
    """What the folder's composer.json says."""
    path = site.folder.file(MANIFEST)
    document = read_json(site.tree.read(path)) if MANIFEST in site.folder.files else {}
    name, kind = document.get("name"), document.get("type")
    return Composer(
        path=path,
        name=name if isinstance(name, str) else "",
        kind=kind if isinstance(kind, str) else "",
        requires=frozenset(table(document, "require")),
        loads="autoload" in document,
        commands=tuple(texts(document.get("bin"))),
    )


def framework_rule(name: str, packages: tuple[str, ...], entries: tuple[str, ...], root: str = "public") -> Rule:
    """The rule of a framework: one of `packages` is required, and one of `entries` (files) is what it begins with."""

    def find(site: Site) -> Finding | None:
        composer = read_composer(site)
        package = next((each for each in packages if each in composer.requires), None)
        entry = next((each for each in entries if has_file(site, each)), None)
        if package is None or entry is None or composer.name in packages or composer.kind in LIBRARIES:
            return None
        seen = (f"{composer.path}: requires {package}", f"{site.folder.file(entry)}: where it begins")
        start = ("php", "artisan", "serve", "--host", "0.0.0.0", "--port", "{port}") if entry == "artisan" else None  # noqa: S104 - in its container
        return Finding(php_service(site, name, ServiceKind.WEB, seen, start or serve(root)))

    return Rule(name, Language.PHP, MANIFESTS, find)


LIBRARIES = frozenset(
    {
        "library",
        "symfony-bundle",
        "wordpress-plugin",
        "composer-plugin",
        "metapackage",
        "drupal-module",
        "wordpress-theme",
        "wordpress-muplugin",
    }
)
"""Types of packages that are parts of something else."""


def serve(root: str) -> tuple[str, ...]:
    """PHP's own server over a folder."""
    return ("php", "-S", "0.0.0.0:{port}", "-t", root)


def php_service(site: Site, stack: str, kind: ServiceKind, seen: tuple[str, ...], start: tuple[str, ...]) -> Service:
    """What PHP runs; a package.json beside it is its asset pipeline."""
    composer = read_composer(site)
    package = read_package(site.tree, site.folder)
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=start,
        build=("composer", "install", "--no-dev") if MANIFEST in site.folder.files and start else (),
        port=PORT if kind is ServiceKind.WEB else None,
        evidence=seen,
        language=Language.PHP,
        ui=ui_of(package) if package else None,
        databases=databases.ordered(databases.of_drivers(composer.requires)),
    )


def has_file(site: Site, path: str) -> bool:
    """Whether the folder holds a file, given by its path in it."""
    parent, _, name = site.folder.file(path).rpartition("/")
    folder = site.tree.folders.get(parent or ".")
    return folder is not None and name in folder.files
