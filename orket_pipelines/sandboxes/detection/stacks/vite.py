"""Vite: a page that is built into a folder of files, whatever library draws it."""

import posixpath
import shlex
from typing import Any

from orket_pipelines.sandboxes.detection.javascript import exported_object
from orket_pipelines.sandboxes.detection.node_manifests import MANIFEST, Package, declares, read_package
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

CONFIGURATIONS = tuple(f"vite.config.{ending}" for ending in ("ts", "js", "mts", "mjs", "cts", "cjs"))
USUAL_OUTPUT = "dist"
OUTPUT_ASSUMED, OUTPUT_UNKNOWN, SERVER_BESIDE = 0.7, 0.4, 0.6

_libraries = ("react", "vue", "svelte", "preact", "solid-js", "lit")
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
    path, configuration = _configuration(site)
    root = configuration.get("root", ".") if configuration is not None else "."
    page = _page(site, root) if isinstance(root, str) else None
    if page is None or (configuration is not None and "lib" in _section(configuration, "build")):
        return None
    build, output, confidence, seen = _output(package, path, configuration, root)
    library = next((each for each in _libraries if package.uses(each)), None)
    server = next((each for each in _servers if each in package.dependencies), None)
    service = Service(
        name="",
        stack="vite",
        kind=ServiceKind.SPA,
        folder=site.folder.path,
        build=build,
        output=output,
        confidence=min(confidence, SERVER_BESIDE) if server else confidence,
        evidence=(
            f"{manifest}: declares vite",
            f"{page}: the page that Vite builds",
            *([f"{package.path}: declares {library}"] if library else []),
            seen,
        ),
    )
    doubt = [f"{package.path}: declares {server}, too: a server of the page's own would not be started"]
    unknown = [f"{path}: where the build is written to cannot be told"]
    return Finding(service, (*(doubt if server else []), *(unknown if confidence <= OUTPUT_UNKNOWN else [])))


def _configuration(site: Site) -> tuple[str, dict[str, Any] | None]:
    """The path of Vite's configuration, and what it exports: {} without one, None where it cannot be told."""
    for name in CONFIGURATIONS:
        if name in site.folder.files:
            path = site.folder.file(name)
            return path, exported_object(site.tree.read(path) or "")
    return site.folder.file(MANIFEST), {}


def _page(site: Site, root: str) -> str | None:
    folder = site.tree.folders.get(posixpath.normpath(site.folder.file(root)))
    inside = folder is not None and site.folder.contains(folder.path)
    return folder.file("index.html") if folder and inside and "index.html" in folder.files else None


def _output(
    package: Package, path: str, configuration: dict[str, Any] | None, root: str
) -> tuple[tuple[str, ...], str, float, str]:
    """How to build, the folder with the result, how sure that is, and why.

    Where the configuration does not tell, or tells of a folder outside, Vite is told on its command line.
    """
    script = package.scripts.get("build")
    build = ("npm", "run", "build") if script else ("npx", "vite", "build")
    words = _words(script) if script else ["vite", "build"]
    last = words[len(words) - words[::-1].index("&&") :] if "&&" in words else words
    is_vite = last[:2] == ["vite", "build"]
    given = _option(last) if is_vite else None
    section = {} if configuration is None else _section(configuration, "build")
    wanted = given or section.get("outDir", None if "..." in section else USUAL_OUTPUT)
    if configuration is None and given is None:
        wanted = None
    if isinstance(wanted, str) and _is_inside(root, wanted):
        output = posixpath.normpath(posixpath.join(root, wanted))
        source = f"{package.path}: builds" if given else f"{path}: builds"
        return build, output, 1.0 if script is None or is_vite else OUTPUT_ASSUMED, f"{source} into {output}"
    if is_vite and given is None:
        told = (
            ("--", "--outDir", USUAL_OUTPUT, "--emptyOutDir") if script else ("--outDir", USUAL_OUTPUT, "--emptyOutDir")
        )
        output = posixpath.normpath(posixpath.join(root, USUAL_OUTPUT))
        return (*build, *told), output, OUTPUT_ASSUMED, f"{path}: does not tell where to; told to build into {output}"
    return build, USUAL_OUTPUT, OUTPUT_UNKNOWN, f"{path}: does not tell where to; {USUAL_OUTPUT} is assumed"


def _section(configuration: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of the configuration; with `...` in it where something unknown is spread over it."""
    section = configuration.get(name, {"...": True} if "..." in configuration else {})
    return section if isinstance(section, dict) else {"...": True}


def _words(script: str) -> list[str]:
    try:
        return shlex.split(script)
    except ValueError:
        return []


def _option(words: list[str]) -> str | None:
    for at, word in enumerate(words):
        if word == "--outDir" and at + 1 < len(words):
            return words[at + 1]
        if word.startswith("--outDir="):
            return word.partition("=")[2]
    return None


def _is_inside(root: str, output: str) -> bool:
    """Whether a build lands below the service's folder, and not in the folder itself."""
    path = posixpath.normpath(posixpath.join(root, output))
    return output.isprintable() and not path.startswith(("/", "..")) and path != "."


RULE = Rule("vite", Language.NODE, (MANIFEST,), find)
