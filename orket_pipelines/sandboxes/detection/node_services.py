"""What all Node frameworks share: whether a package is an application of one, and how it is built and started."""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.browser_extensions import is_extension
from orket_pipelines.sandboxes.detection.hints import has_image
from orket_pipelines.sandboxes.detection.javascript import exported_object
from orket_pipelines.sandboxes.detection.node_bots import keeps_a_bot_awake
from orket_pipelines.sandboxes.detection.node_code import program_of, read_node_code
from orket_pipelines.sandboxes.detection.node_manifests import (
    MANIFEST,
    MEMBER,
    Package,
    declares,
    manager_of,
    read_package,
    workspace_of,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import Service, ServiceKind

LIBRARIES = {
    "react": ("react", "react-dom"),
    "vue": ("vue",),
    "svelte": ("svelte",),
    "preact": ("preact",),
    "solid": ("solid-js",),
    "lit": ("lit",),
    "qwik": ("@builder.io/qwik",),
}
"""What draws pages, by the packages that say so."""
RUNNERS = frozenset(
    {"node", "nodemon", "tsx", "ts-node", "ts-node-dev", "bun", "pm2", "pm2-runtime", "nest", "babel-node"}
)
SOURCES = (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".vue", ".svelte", ".astro", ".html", ".md", ".mdx")
ENDINGS = ("js", "mjs", "cjs", "ts", "mts", "cts")

Kind = Callable[[Site, Package], ServiceKind]


@dataclass(frozen=True, slots=True)
class Builder:
    """A framework that builds pages. One of `packages` is declared, and one of `files` (patterns), `folders` or
    `commands` (words of the scripts) says that it is used. `ui` is what it always draws with. `output` is where a
    page that needs no server is built to. `page`: there must be an index.html, or it builds something else."""

    name: str
    packages: tuple[str, ...]
    commands: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    ui: str | None = None
    kind: Kind | ServiceKind = ServiceKind.SPA
    output: str = "dist"
    page: bool = False
    port: int = 3000
    start: tuple[str, ...] = ()


def builder_rule(builder: Builder) -> Rule:
    """The rule of a framework about which no more needs to be known."""

    def find(site: Site) -> Finding | None:
        package = read_package(site.tree, site.folder)
        manifest = _declaration(site, package, builder) if package else None
        if package is None or manifest is None or package.published or (builder.page and not _has_page(site)):
            return None
        used = (
            _use(site, package, builder) if not (_is_for_image(site) or is_extension(site.tree, site.folder)) else None
        )
        return (
            Finding(_built(site, package, builder, (f"{manifest}: declares {builder.packages[0]}", used)))
            if used
            else None
        )

    return Rule(builder.name, Language.NODE, (MANIFEST,), find)


def server_rule(name: str, packages: tuple[str, ...], port: int = 3000) -> Rule:
    """The rule of a framework that serves: a program of the package imports it."""

    def find(site: Site) -> Finding | None:
        package = read_package(site.tree, site.folder)
        if package is None or is_library(site, package) or not any(declares(site, package, each) for each in packages):
            return None
        code = read_node_code(site)
        source = code.importing(*packages)
        if source and _is_page_alone(package) and not _is_run(site, package, source):
            return None
        declared = any(each in package.dependencies for each in packages) or package.path.endswith(MEMBER)
        if source is None or not (declared or _is_started(package)) or keeps_a_bot_awake(package, code):
            return None
        evidence = (f"{package.path}: declares {name}", f"{source.path}: imports {name}")
        return Finding(web_service(site, package, name, port, evidence))

    return Rule(name, Language.NODE, (MANIFEST,), find)


def is_library(site: Site, package: Package) -> bool:
    """Whether it is made for others to install; one that is started in an image, or by its `main`, is not."""
    main = _stem(package.main or "")
    own = bool(main) and any(_stem(word) == main for word in package.words("start"))
    return package.published and not (own or ("start" in package.scripts and has_image(site.folder)))


def _stem(path: str) -> str:
    """A program as a command names it: without `./` and `.js`."""
    return path.removeprefix("./").removesuffix(".js")


def web_service(site: Site, package: Package, stack: str, port: int, evidence: tuple[str, ...]) -> Service:
    """A package whose program listens."""
    return Service(
        name="",
        stack=stack,
        kind=ServiceKind.WEB,
        folder=site.folder.path,
        start=start_of(site, package),
        build=build_of(site, package),
        port=port,
        evidence=evidence,
        language=Language.NODE,
        ui=ui_of(package),
        databases=node_databases(site, package),
    )


def start_of(site: Site, package: Package) -> tuple[str, ...]:
    """Its start script, or its program."""
    manager = manager_of(site)
    for script in ("start", "start:prod", "serve", "preview"):
        if script in package.scripts:
            return (manager, "run", script)
    program = program_of(site, package)
    runner = ("bun",) if manager == "bun" else ("npx", "tsx") if program and program.endswith("ts") else ("node",)
    return (*runner, program) if program else ()


def build_of(site: Site, package: Package) -> tuple[str, ...]:
    """Its build script."""
    return (manager_of(site), "run", "build") if "build" in package.scripts else ()


def ui_of(package: Package) -> str | None:
    """The library that draws its pages, where one is declared."""
    return next((name for name, packages in LIBRARIES.items() if any(package.uses(each) for each in packages)), None)


def node_databases(site: Site, package: Package) -> tuple[str, ...]:
    """By the drivers that are declared for running, and by what Prisma is told."""
    found = databases.of_drivers(package.dependencies)
    for folder in (site.folder, site.tree.folders.get(site.folder.file("prisma"))):
        text = site.tree.read(folder.file("schema.prisma")) if folder and "schema.prisma" in folder.files else None
        for line in (text or "").splitlines():
            words = line.replace("=", " ").split()
            if len(words) > 1 and words[0] == "provider":
                found.update(databases.of_names(words[1].strip('"')))
    return databases.ordered(found)


def configuration(site: Site, stem: str) -> dict[str, object] | None:
    """What a framework's own file exports: {} without one, None where it cannot be told."""
    for ending in ENDINGS:
        name = f"{stem}.{ending}"
        if name in site.folder.files:
            return exported_object(site.tree.read(site.folder.file(name)) or "")
    return {}


def says(document: dict[str, object] | None, key: str, value: str) -> bool:
    """Whether a configuration sets a key to this text or word."""
    return (document or {}).get(key) == value


def _built(site: Site, package: Package, builder: Builder, evidence: tuple[str, ...]) -> Service:
    kind = builder.kind if isinstance(builder.kind, ServiceKind) else builder.kind(site, package)
    web = kind is ServiceKind.WEB
    manager = manager_of(site)
    build = build_of(site, package) or ("npx", *(builder.commands[:1] or (builder.name,)), "build")
    return Service(
        name="",
        stack=builder.name,
        kind=kind,
        folder=site.folder.path,
        start=(builder.start or start_of(site, package) or (manager, "run", "start")) if web else (),
        build=build,
        output=None if web else builder.output,
        port=builder.port if web else None,
        evidence=evidence,
        language=Language.NODE,
        ui=builder.ui or ui_of(package) or _workspace_ui(site),
        databases=node_databases(site, package),
    )


def _workspace_ui(site: Site) -> str | None:
    root = workspace_of(site.tree, site.folder)
    return ui_of(root) if root else None


def _declaration(site: Site, package: Package, builder: Builder) -> str | None:
    if any(each in package.peers for each in builder.packages):
        return None
    return next((found for each in builder.packages if (found := declares(site, package, each))), None)


def _use(site: Site, package: Package, builder: Builder) -> str | None:
    """What says that the framework is used, and not only declared."""
    named = next(
        (each for each in sorted(site.folder.files) if any(fnmatch(each, pattern) for pattern in builder.files)), None
    )
    if named:
        return f"{site.folder.file(named)}: configures {builder.name}"
    words = set(package.words())
    command = next((each for each in builder.commands if each in words), None)
    if command:
        return f"{package.path}: a script runs {command}"
    inner = next((each for each in builder.folders if site.folder.file(each) in site.tree.folders), None)
    own = any(package.uses(each) for each in builder.packages)
    return f"{site.folder.file(inner)}: where {builder.name} looks" if inner and own else None


def _is_for_image(site: Site) -> bool:
    """Whether it is a manifest that is kept apart, for an image that installs what it lists, with nothing to build."""
    sources = any(name.endswith(SOURCES) for folder in site.folders() for name in folder.files)
    return not sources and "docker" in site.folder.path.lower().split("/")


def _has_page(site: Site) -> bool:
    folders = (site.tree.folders.get(site.folder.file(name)) for name in ("public", "src", "static"))
    return any(each and "index.html" in each.files for each in (site.folder, *folders))


def _is_started(package: Package) -> bool:
    return not RUNNERS.isdisjoint(package.words("start", "dev", "serve", "start:prod"))


def _is_run(site: Site, package: Package, source: Source) -> bool:
    """Whether a script of the package runs this very file."""
    inner = site.folder.inner(source.path)
    return any(_stem(word) in {_stem(inner), inner} for word in package.words())


def _is_page_alone(package: Package) -> bool:
    """Whether its start script only shows a page: a server beside it is not what is started."""
    words = package.words("start")
    return bool(words) and words[0] in {
        "react-scripts",
        "vite",
        "ng",
        "vue-cli-service",
        "webpack-dev-server",
        "parcel",
        "craco",
    }
