"""A Node package that no framework is known for: a server of its own, a job, or a library."""

from orket_pipelines.sandboxes.detection.browser_extensions import is_extension
from orket_pipelines.sandboxes.detection.cloud_functions import functions
from orket_pipelines.sandboxes.detection.node_bots import keeps_a_bot_awake
from orket_pipelines.sandboxes.detection.node_code import imports, program_of, read_node_code
from orket_pipelines.sandboxes.detection.node_manifests import MANIFEST, MEMBER, Package, read_package
from orket_pipelines.sandboxes.detection.node_services import is_library, node_databases, start_of, ui_of, web_service
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_source
from orket_pipelines.sandboxes.model import Service, ServiceKind

_tooling = frozenset(
    {
        *("prettier", "eslint", "tsc", "husky", "jest", "vitest", "lint-staged", "turbo", "nx", "lerna", "echo"),
        *("gulp", "grunt", "sass"),
    }
)
_defaults = frozenset({"index.js", "gulpfile.js", "Gruntfile.js"})
"""What npm writes as `main` where nobody says: beside a page, and without such a file, it says nothing."""
_runners = (
    *("@playwright/test", "cypress", "@wdio/cli", "testcafe", "nightwatch", "protractor"),
    *("hardhat", "truffle"),
)
"""What runs tests of something else, or what a chain is given."""
_page_servers = frozenset({"serve", "http-server", "live-server", "lite-server", "sirv", "browser-sync", "python3"})
"""What shows pages as they are."""
_actions = frozenset({"action.yml", "action.yaml"})
"""What makes a repository a step of somebody's workflow."""
_servers = frozenset({"medusa", "keystone", "directus", "json-server", "parse-server", "probot", "n8n", "verdaccio"})
"""Programs of others that serve what a package holds."""
_managers = frozenset({"npm", "pnpm", "yarn", "bun", "npx", "concurrently", "run-p", "npm-run-all"})
"""By these a workspace starts its members."""


def find(site: Site) -> Finding | None:
    """What the package is for, by what it says of itself and by what its program does."""
    package = read_package(site.tree, site.folder)
    if package is None:
        return _loose(site)
    return _for_others(site, package) or _program(site, package)


def _for_others(site: Site, package: Package) -> Finding | None:
    """What is deployed to somebody's cloud, is a step of somebody's workflow, or is installed by strangers."""
    if functions(site.tree, site.folder):
        evidence = (f"{site.folder.path}: functions that answer requests",)
        return Finding(web_service(site, package, Language.NODE, 3000, evidence))
    if not _actions.isdisjoint(site.folder.files):
        return Finding(_other(site, package, ServiceKind.JOB))
    if is_extension(site.tree, site.folder):
        return Finding(_other(site, package, ServiceKind.LIBRARY))
    if is_library(site, package):
        return Finding(_other(site, package, ServiceKind.LIBRARY if package.exports else ServiceKind.JOB))
    if any(name.startswith("wrangler.") for name in site.folder.files) and program_of(site, package):
        evidence = (f"{site.folder.path}: runs at the edge",)
        return Finding(web_service(site, package, Language.NODE, 8787, evidence))
    return None


def _is_run_by_others(package: Package) -> bool:
    """Whether there is nothing in it but what a runner of tests, or of contracts, is given."""
    return not package.workspaces and any(package.uses(each) for each in _runners)


def _program(site: Site, package: Package) -> Finding | None:
    words = package.words("start")
    if words and words[0] in _page_servers:
        return None
    if words and words[0] in _servers:
        return Finding(web_service(site, package, Language.NODE, 3000, (f"{package.path}: starts {words[0]}",)))
    program = program_of(site, package)
    if not program and not _is_started(package) and not package.commands:
        page = "index.html" in site.folder.files and package.main in _defaults
        if _is_run_by_others(package) and not page:
            return Finding(_other(site, package, ServiceKind.JOB))
        return Finding(_other(site, package, ServiceKind.LIBRARY)) if package.exports and not page else None
    code = read_node_code(site)
    listening = code.listening() if not keeps_a_bot_awake(package, code) else None
    if listening and (program or _is_started(package)):
        evidence = (f"{listening.path}: listens without a framework",)
        return Finding(web_service(site, package, Language.NODE, 3000, evidence))
    source = read_source(site.tree, site.folder.file(program), Comments.SLASHES) if program else None
    job = _is_started(package) or package.commands or (source is not None and not _gives_away(source))
    return Finding(_other(site, package, ServiceKind.JOB if job else ServiceKind.LIBRARY))


def _loose(site: Site) -> Finding | None:
    """A program without a package."""
    program = program_of(site, Package(path=site.folder.file(MANIFEST)))
    source = read_source(site.tree, site.folder.file(program), Comments.SLASHES) if program else None
    if program is None or source is None or site.folder.path != "." or _is_for_deno(source):
        return None
    listening = read_node_code(site).listening()
    package = Package(path=program)
    if listening and "/" not in listening.path:
        evidence = (f"{listening.path}: listens without a framework",)
        return Finding(web_service(site, package, Language.NODE, 3000, evidence))
    if "index.html" in site.folder.files:
        return None
    return Finding(_other(site, package, ServiceKind.JOB))


def _is_for_deno(source: Source) -> bool:
    return not imports(source).isdisjoint({"https:", "jsr:"}) or source.has("Deno", ".")


def _is_started(package: Package) -> bool:
    words = package.words("start")
    return bool(words) and words[0] not in (_tooling | _managers if package.workspaces else _tooling)


def _gives_away(source: Source) -> bool:
    """Whether a module is there for others to import."""
    return source.has("module", ".", "exports", "=") or source.has("export") or source.has("exports", ".")


def _other(site: Site, package: Package, kind: ServiceKind) -> Service:
    job = kind is ServiceKind.JOB
    return Service(
        name="",
        stack=Language.NODE,
        kind=kind,
        folder=site.folder.path,
        start=start_of(site, package) if job else (),
        evidence=(f"{package.path}: {'a program' if job else 'a package for others to import'}",),
        language=Language.NODE,
        ui=ui_of(package),
        databases=node_databases(site, package) if job else (),
    )


RULE = Rule("node", Language.NODE, (MANIFEST, MEMBER), find)
