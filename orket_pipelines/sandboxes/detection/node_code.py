"""What a Node package's source does: what it imports, and whether it listens; never what a page's source does."""

import re
from dataclasses import dataclass

from orket_pipelines.sandboxes.detection.node_manifests import Package, read_package
from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_all
from orket_pipelines.sandboxes.detection.tree import Folder

PATTERNS = ("*.js", "*.mjs", "*.cjs", "*.ts", "*.mts", "*.cts")
"""Not *.jsx and *.tsx: what draws a page does not serve it."""
DEPTH = 5

_not_programs = re.compile(
    r"\.(config|test|spec|stories|d|min|e2e|cy|setup)\.[cm]?[jt]s$|^(gulpfile|gruntfile|karma)|rc\.[cm]?js$"
)
_aside = frozenset({"tools", "scripts"})
"""Folders with what developers start: servers that build while one works."""
_pages = frozenset({"client", "frontend", "public", "static", "assets", "components", "pages", "hooks", "www", "views"})
_imported = re.compile("\0(?:from|import|require\0\\(|import\0\\()\0[\"'`]([^\0]*)[\"'`](?=\0)")
_listens = (
    ("startStandaloneServer", "("),
    (".", "listen", "("),
    ("createServer", "("),
    (".", "bindAsync", "("),
    ("new", "WebSocketServer", "("),
    ("new", "WebSocket", ".", "Server", "("),
    ("Bun", ".", "serve", "("),
    ("Deno", ".", "serve", "("),
)


@dataclass(frozen=True, slots=True)
class NodeCode:
    """The package's programs and modules, without tests and configuration."""

    sources: tuple[Source, ...]

    def importing(self, *modules: str) -> Source | None:
        """The first file that imports one of these packages."""
        return next((each for each in self.sources if not imports(each).isdisjoint(modules)), None)

    def listening(self) -> Source | None:
        """The first file that begins to listen; a tool of a model is talked to by the program that starts it."""
        if any(each.has("new", "StdioServerTransport", "(") for each in self.sources):
            return None
        return next((each for each in self.sources if _is_server(each)), None)


def read_node_code(site: Site) -> NodeCode:
    """Those that begin programs come first."""

    def read() -> NodeCode:
        package = read_package(site.tree, site.folder)
        started = {part for word in package.words("start") for part in word.split("/")} if package else _aside
        folders = [each for each in site.folders() if _may_serve(site, each, _pages | (_aside - started))]
        return NodeCode(tuple(read_all(site.tree, [_programs(each) for each in folders], PATTERNS, Comments.SLASHES)))

    return site.tree.once(("node", site.folder.path), read)


def imports(source: Source) -> set[str]:
    """The packages that a file imports, without the paths in them."""
    return {_package(match[1]) for match in _imported.finditer(source.tokens)}


def program_of(site: Site, package: Package) -> str | None:
    """The file that the package starts with: its `main`, or one of the usual names; relative to the folder."""
    usual = [f"{stem}.{ending}" for stem in ("index", "server", "app", "main") for ending in ("js", "mjs", "cjs", "ts")]
    main = package.main.removeprefix("./") if package.main else ""
    for each in [
        *([main] if main and not _not_programs.search(main) else []),
        *usual,
        *(f"src/{name}" for name in usual),
    ]:
        parent, _, name = site.folder.file(each).rpartition("/")
        folder = site.tree.folders.get(parent or ".")
        if folder and name in folder.files:
            return each
    return None


def _is_server(source: Source) -> bool:
    if any(source.has(*sequence) for sequence in _listens):
        return True
    sockets = source.has("new", "Server", "(") or any(
        source.has("require", "(", f"{quote}socket.io{quote}", ")", "(") for quote in "\"'"
    )
    return sockets and "socket.io" in imports(source)


def _package(module: str) -> str:
    if module.startswith("jsr:"):
        return "jsr:"
    parts = module.removeprefix("node:").removeprefix("npm:").split("/")
    return "/".join(parts[:2]) if module.startswith("@") else parts[0]


def _may_serve(site: Site, folder: Folder, apart: frozenset[str]) -> bool:
    inner = folder.path.removeprefix(site.folder.path).strip("/").split("/")
    return folder.depth - site.folder.depth <= DEPTH and apart.isdisjoint(inner)


def _programs(folder: Folder) -> Folder:
    return Folder(folder.path, folder.depth, frozenset(each for each in folder.files if not _not_programs.search(each)))
