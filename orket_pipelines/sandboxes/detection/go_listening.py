"""Go programs that listen by a package for HTTP alone, rather than by a framework."""

from orket_pipelines.sandboxes.detection.go_code import COMMAND_LINES, GoModule, read_go
from orket_pipelines.sandboxes.detection.go_services import MANIFESTS, go_service
from orket_pipelines.sandboxes.detection.hints import docker_command, exposed_port, procfile
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import ServiceKind

WORKERS = frozenset({"worker", "workers", "consumer", "job", "jobs", "cron", "scheduler", "agent", "bot", "indexer"})
_asks_to_serve = frozenset({"serve", "server", "start", "web", "api", "http"})
_asks_for_help = frozenset({"help", "-h", "--help", "version", "--version"})

Listens = tuple[tuple[str, ...], ...]
"""Rows of tokens of which each begins to listen."""


def server_of(package: str) -> Listens:
    """How a program listens by a package that is written after Go's own."""
    ends = (("ListenAndServe", "("), ("ListenAndServeTLS", "("), ("Serve", "("), ("Server", "{"))
    return tuple((package, ".", *each) for each in ends)


def listening_rule(name: str, listens: Listens) -> Rule:
    """The rule of a package: a module with programs, of which a file listens by it."""

    def find(site: Site) -> Finding | None:
        module = read_go(site)
        source = _listening(module, listens) if module and module.programs else None
        if module is None or source is None:
            return None
        if module.name and (_works(module) or (_is_command(module, source) and not is_told_to_serve(site))):
            return None
        return Finding(go_service(site, module, name, ServiceKind.WEB, f"{source.path}: listens"))

    return Rule(name, Language.GO, MANIFESTS, find)


def is_told_to_serve(site: Site) -> bool:
    """Whether its Procfile or its image says so; an image that only tells how to use it does not."""
    if "web" in procfile(site.tree, site.folder):
        return True
    command = set(docker_command(site.tree, site.folder)[1:])
    if not command.isdisjoint(_asks_to_serve):
        return True
    return exposed_port(site.tree, site.folder) is not None and command.isdisjoint(_asks_for_help)


def _listening(module: GoModule, listens: Listens) -> Source | None:
    return next((each for each in module.sources if any(each.has(*sequence) for sequence in listens)), None)


def _works(module: GoModule) -> bool:
    """Whether its programs are workers by their names: they listen for probes and metrics alone."""
    return all(not WORKERS.isdisjoint(each.replace("_", "-").replace("/", "-").split("-")) for each in module.programs)


def _is_command(module: GoModule, source: Source) -> bool:
    """Whether it is a command above all; one whose main itself listens is a server."""
    return (module.is_library or module.importing(*COMMAND_LINES) is not None) and not source.has("func", "main", "(")
