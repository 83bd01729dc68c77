"""Vite: a page that is built into a folder of files, whatever library draws it."""

import posixpath
import shlex
from dataclasses import dataclass
from typing import Any

from orket_pipelines.sandboxes.detection.browser_extensions import is_extension
from orket_pipelines.sandboxes.detection.javascript import exported_object
from orket_pipelines.sandboxes.detection.node_manifests import MANIFEST, Package, declares, read_package
from orket_pipelines.sandboxes.detection.node_services import LIBRARIES, node_databases, ui_of
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

CONFIGURATIONS = tuple(f"vite.config.{ending}" for ending in ("ts", "js", "mts", "mjs", "cts", "cjs"))
USUAL_OUTPUT = "dist"
USUAL_ROOTS = (".", "client", "src", "frontend", "web", "app")
OUTPUT_ASSUMED, OUTPUT_UNKNOWN, SERVER_BESIDE = 0.7, 0.4, 0.6

_builders = frozenset(
    {
        "@sveltejs/kit",
        "@remix-run/dev",
        "@react-router/dev",
        "@tanstack/start",
        "@tanstack/react-start",
        "@solidjs/start",
        "astro",
        "nuxt",
        "next",
        "gatsby",
        "vike",
        "vite-ssg",
        "electron",
        "electron-vite",
        "@angular/core",
    }
)
"""Frameworks that use Vite and serve, or package, in a way of their own."""
_servers = ("express", "fastify", "koa", "hono", "@hapi/hapi")


def find(site: Site) -> Finding | None:
    """A page, where Vite is declared and has a page to begin with."""
    package = read_package(site.tree, site.folder)
    manifest = declares(site, package, "vite") if package else None
    if package is None or manifest is None or any(package.uses(each) for each in _builders):
        return None
    if is_extension(site.tree, site.folder):
        return None
    if package.published and not (package.main or "").endswith(".html"):
        return None
    path, configuration = _configuration(site)
    root = _root(site, configuration)
    if root is None or (configuration is not None and "lib" in _section(configuration, "build")):
        return None
    output = _output(package, path, configuration, root)
    library = ui_of(package)
    server = next((each for each in _servers if each in package.dependencies), None)
    service = Service(
        name="",
        stack="vite",
        kind=ServiceKind.SPA,
        folder=site.folder.path,
        build=output.build,
        output=output.folder,
        confidence=min(output.confidence, SERVER_BESIDE) if server else output.confidence,
        evidence=(
            f"{manifest}: declares vite",
            f"{_page(site, root)}: the page that Vite builds",
            *([f"{package.path}: declares {LIBRARIES[library][0]}"] if library else []),
            output.seen,
        ),
        language=Language.NODE,
        ui=library,
        databases=node_databases(site, package),
    )
    doubt = [f"{package.path}: declares {server}, too: a server of the page's own would not be started"]
    unknown = [f"{path}: where the build is written to cannot be told"]
    return Finding(service, (*(doubt if server else []), *(unknown if output.confidence <= OUTPUT_UNKNOWN else [])))


def _configuration(site: Site) -> tuple[str, dict[str, Any] | None]:
    """The path of Vite's configuration, and what it exports: {} without one, None where it cannot be told."""
    for name in CONFIGURATIONS:
        if name in site.folder.files:
            path = site.folder.file(name)
            return path, exported_object(site.tree.read(path) or "")
    return site.folder.file(MANIFEST), {}


def _root(site: Site, configuration: dict[str, Any] | None) -> str | None:
    """The folder of index.html, relative to the site's: as configured, or where it is usual if that is computed."""
    configured = None if configuration is None else configuration.get("root", ".")
    candidates = [configured] if isinstance(configured, str) else USUAL_ROOTS
    return next((each for each in candidates if _page(site, each)), None)


def _page(site: Site, root: str) -> str | None:
    folder = site.tree.folders.get(posixpath.normpath(site.folder.file(root)))
    inside = folder is not None and site.folder.contains(folder.path)
    return folder.file("index.html") if folder and inside and "index.html" in folder.files else None


@dataclass(frozen=True, slots=True)
class _Script:
    """How the package is built: by its script, or by Vite itself. `vite` is the end of it where that is Vite's."""

    command: tuple[str, ...]
    vite: tuple[str, ...] | None

    def told(self, *options: str) -> tuple[str, ...]:
        """The command with further options for Vite."""
        separator = ("--",) if options and self.command[0] == "npm" else ()
        return (*self.command, *separator, *options)


@dataclass(frozen=True, slots=True)
class _Output:
    """How to build, the folder with the result, how sure that is, and why."""

    build: tuple[str, ...]
    folder: str
    confidence: float
    seen: str


def _output(package: Package, path: str, configuration: dict[str, Any] | None, root: str) -> _Output:
    """Where the configuration does not tell, or tells of a folder outside, Vite is told on its command line."""
    script = _script(package)
    given = _option(script.vite or (), "--outDir")
    wanted = given or _configured_output(configuration)
    base = _base(script, configuration)
    if isinstance(wanted, str) and _is_inside(root, wanted):
        output = posixpath.normpath(posixpath.join(root, wanted))
        seen = f"{package.path if given else path}: builds into {output}"
        return _Output(script.told(*base), output, 1.0 if script.vite else OUTPUT_ASSUMED, seen)
    output = posixpath.normpath(posixpath.join(root, USUAL_OUTPUT))
    if script.vite and given is None:
        build = script.told("--outDir", USUAL_OUTPUT, "--emptyOutDir", *base)
        return _Output(build, output, OUTPUT_ASSUMED, f"{path}: does not tell where to; told to build into {output}")
    seen = f"{path}: does not tell where to; {output} is assumed"
    return _Output(script.told(*base), output, OUTPUT_UNKNOWN, seen)


def _script(package: Package) -> _Script:
    script = package.scripts.get("build")
    if script is None:
        return _Script(("npx", "vite", "build"), ("vite", "build"))
    words = _words(script)
    last = tuple(words[len(words) - words[::-1].index("&&") :] if "&&" in words else words)
    return _Script(("npm", "run", "build"), last if last[:2] == ("vite", "build") else None)


def _configured_output(configuration: dict[str, Any] | None) -> Any:
    """What the configuration says of the output's folder; None where it cannot be told."""
    if configuration is None:
        return None
    section = _section(configuration, "build")
    return section.get("outDir", None if "..." in section else USUAL_OUTPUT)


def _base(script: _Script, configuration: dict[str, Any] | None) -> tuple[str, ...]:
    """A sandbox serves a page at /: what lets Vite build it for there, where it is meant for elsewhere."""
    configured = None if configuration is None else configuration.get("base", None if "..." in configuration else "/")
    if script.vite is None or _option(script.vite, "--base") is not None:
        return ()
    return () if isinstance(configured, str) and configured in {"/", "./", ""} else ("--base", "/")


def _section(configuration: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of the configuration; with `...` in it where something unknown is spread over it."""
    section = configuration.get(name, {"...": True} if "..." in configuration else {})
    return section if isinstance(section, dict) else {"...": True}


def _words(script: str) -> list[str]:
    try:
        return shlex.split(script)
    except ValueError:
        return []


def _option(words: tuple[str, ...], name: str) -> str | None:
    for at, word in enumerate(words):
        if word == name and at + 1 < len(words):
            return words[at + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def _is_inside(root: str, output: str) -> bool:
    """Whether a build lands below the service's folder, and not in the folder itself."""
    path = posixpath.normpath(posixpath.join(root, output))
    return output.isprintable() and not path.startswith(("/", "..")) and path != "."


RULE = Rule("vite", Language.NODE, (MANIFEST,), find)
