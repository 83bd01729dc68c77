"""Deno: programs under its own configuration, or that import from addresses; Fresh, Oak and Hono, or none."""

from dataclasses import dataclass

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.data import read_json, table
from orket_pipelines.sandboxes.detection.node_code import NodeCode, read_node_code
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFESTS = ("deno.json", "deno.jsonc", "deno.lock")
PORT = 8000

_marks = {"fresh": ("fresh", "$fresh", "@fresh/core"), "oak": ("oak", "@oak/oak"), "hono": ("hono", "@hono/hono")}
_serves = (("Deno", ".", "serve", "("), ("serve", "("), (".", "listen", "("), ("Deno", ".", "listen", "("))


@dataclass(frozen=True, slots=True)
class _Configuration:
    tasks: dict[str, object]
    imports: dict[str, object]
    exports: bool


def find(site: Site) -> Finding | None:
    """What Deno runs. A package.json with a framework of Node's comes before it."""
    configured = next((name for name in MANIFESTS if name in site.folder.files), None)
    code = read_node_code(site)
    source = next((each for each in code.sources if _imports_addresses(each)), None)
    if "package.json" in site.folder.files or (configured is None and source is None):
        return None
    told = _configuration(site)
    framework = _framework(told, code)
    serving = next((each for each in code.sources if any(each.has(*row) for row in _serves)), None)
    first = serving or source or (code.sources[0] if code.sources else None)
    kind = _kind(told, framework, serving, code)
    seen = (
        f"{site.folder.file(configured)}: configures Deno"
        if configured
        else f"{source.path if source else ''}: imports for Deno"
    )
    return Finding(_service(site, kind, framework, told, first, seen=seen))


def _service(
    site: Site, kind: ServiceKind, framework: str | None, told: _Configuration, first: Source | None, *, seen: str
) -> Service:
    task = next((name for name in ("start", "serve", "preview", "dev") if name in told.tasks), None)
    path = first.path.removeprefix("" if site.folder.path == "." else f"{site.folder.path}/") if first else "main.ts"
    runs = kind is not ServiceKind.LIBRARY
    names = {str(each).partition(":")[2].partition("@")[0] or str(each) for each in told.imports.values()}
    return Service(
        name="",
        stack=framework or Language.DENO,
        kind=kind,
        folder=site.folder.path,
        start=(("deno", "task", task) if task else ("deno", "run", "-A", path)) if runs else (),
        build=("deno", "task", "build") if runs and "build" in told.tasks else (),
        port=PORT if kind is ServiceKind.WEB else None,
        evidence=(seen,),
        language=Language.DENO,
        ui="preact" if framework == "fresh" else None,
        databases=databases.ordered(databases.of_drivers(names)) if runs else (),
    )


def _configuration(site: Site) -> _Configuration:
    document = next(
        (read_json(site.tree.read(site.folder.file(name))) for name in MANIFESTS[:2] if name in site.folder.files), {}
    )
    return _Configuration(table(document, "tasks"), table(document, "imports"), "exports" in document)


def _framework(told: _Configuration, code: NodeCode) -> str | None:
    named = {key.rstrip("/") for key in told.imports} | {_module(str(each)) for each in told.imports.values()}
    used = {_module(each) for source in code.sources for each in _imported(source)}
    return next((name for name, marks in _marks.items() if not (named | used).isdisjoint(marks)), None)


def _kind(told: _Configuration, framework: str | None, serving: Source | None, code: NodeCode) -> ServiceKind:
    if framework or serving:
        return ServiceKind.LIBRARY if told.exports and not told.tasks.get("start") else ServiceKind.WEB
    if told.exports or not (code.sources or told.tasks):
        return ServiceKind.LIBRARY
    return ServiceKind.JOB


def _imported(source: Source) -> list[str]:
    return [*source.texts_after("from"), *source.texts_after("import"), *source.texts_after("import", "(")]


def _imports_addresses(source: Source) -> bool:
    return any(
        each.startswith(("https://deno.land/", "jsr:", "https://esm.sh/")) for each in _imported(source)
    ) or source.has("Deno", ".", "serve", "(")


def _module(address: str) -> str:
    """`oak` of `https://deno.land/x/oak@v12/mod.ts`, `@oak/oak` of `jsr:@oak/oak@17`, `hono` of `npm:hono`."""
    plain = address.removeprefix("https://deno.land/x/").removeprefix("jsr:").removeprefix("npm:").lstrip("/")
    scope = "@" if plain.startswith("@") else ""
    parts = plain.removeprefix("@").split("/")
    name = "/".join(parts[: 2 if scope else 1])
    return scope + name.partition("@")[0]


RULE = Rule("deno", Language.DENO, MANIFESTS, find)
