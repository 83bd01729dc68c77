"""Go's own net/http, or a router that is little more: a program that listens."""

from orket_pipelines.sandboxes.detection.go_code import COMMAND_LINES, GoModule, read_go
from orket_pipelines.sandboxes.detection.go_services import MANIFESTS, go_service
from orket_pipelines.sandboxes.detection.hints import docker_command, exposed_port, procfile
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import ServiceKind

_listens = (
    ("http", ".", "ListenAndServe", "("),
    ("http", ".", "ListenAndServeTLS", "("),
    ("http", ".", "Serve", "("),
    ("http", ".", "Server", "{"),
    (".", "ListenAndServe", "("),
    ("fasthttp", ".", "ListenAndServe", "("),
)
WORKERS = frozenset({"worker", "workers", "consumer", "job", "jobs", "cron", "scheduler", "agent", "bot", "indexer"})
_asks_to_serve = frozenset({"serve", "server", "start", "web", "api", "http"})
_asks_for_help = frozenset({"help", "-h", "--help", "version", "--version"})


def find(site: Site) -> Finding | None:
    """A module with programs, of which a file listens."""
    module = read_go(site)
    if module is None or not module.programs or module.name == "":
        return _loose(site, module)
    source = next((each for each in module.sources if _is_listening(each)), None)
    if source is None or _works(module) or (_is_command(module, source) and not _is_told_to_serve(site)):
        return None
    return Finding(go_service(site, module, "net/http", ServiceKind.WEB, f"{source.path}: listens"))


def _loose(site: Site, module: GoModule | None) -> Finding | None:
    if module is None or module.name or not module.programs:
        return None
    source = next((each for each in module.sources if _is_listening(each)), None)
    return Finding(go_service(site, module, "net/http", ServiceKind.WEB, f"{source.path}: listens")) if source else None


def _is_told_to_serve(site: Site) -> bool:
    """Whether its Procfile or its image says so; an image that only tells how to use it does not."""
    if "web" in procfile(site.tree, site.folder):
        return True
    command = set(docker_command(site.tree, site.folder)[1:])
    if not command.isdisjoint(_asks_to_serve):
        return True
    return exposed_port(site.tree, site.folder) is not None and command.isdisjoint(_asks_for_help)


def _works(module: GoModule) -> bool:
    """Whether its programs are workers by their names: they listen for probes and metrics alone."""
    return all(not WORKERS.isdisjoint(each.replace("_", "-").replace("/", "-").split("-")) for each in module.programs)


def _is_listening(source: Source) -> bool:
    return any(source.has(*sequence) for sequence in _listens)


def _is_command(module: GoModule, source: Source) -> bool:
    """Whether it is a command above all; one whose main itself listens is a server."""
    return (module.is_library or module.importing(*COMMAND_LINES) is not None) and not source.has("func", "main", "(")


RULE = Rule("net/http", Language.GO, MANIFESTS, find)
