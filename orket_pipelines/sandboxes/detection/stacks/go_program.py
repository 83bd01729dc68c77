"""Go without HTTP: a program that answers remote calls, one that ends, or a library."""

from orket_pipelines.sandboxes.detection.go_code import COMMAND_LINES, read_go
from orket_pipelines.sandboxes.detection.go_services import MANIFESTS, go_service
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind


def find(site: Site) -> Finding | None:
    """A library, where its root is a package to import, or nothing is a program."""
    module = read_go(site)
    if module is None or not (module.sources or module.name):
        return None
    if not module.sources and "theme.toml" in site.folder.files:
        # Hugo fetches its themes as modules of Go.
        return None
    remote = next((each for each in module.sources if each.has("grpc", ".", "NewServer", "(")), None)
    if remote and module.programs and not (module.is_library or module.importing(*COMMAND_LINES)):
        return Finding(go_service(site, module, Language.GO, ServiceKind.WEB, f"{remote.path}: listens for calls"))
    library = not module.programs or module.is_library
    seen = f"{site.folder.path}: {'a package for others to import' if library else 'a program'}"
    kind = ServiceKind.LIBRARY if library else ServiceKind.JOB
    return Finding(go_service(site, module, Language.GO, kind, seen))


RULE = Rule("go", Language.GO, MANIFESTS, find)
