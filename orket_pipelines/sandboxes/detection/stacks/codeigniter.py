"""CodeIgniter: a project with its front controller, or, as it was, with all of itself."""

from orket_pipelines.sandboxes.detection.composer import MANIFESTS, framework_rule, has_file, php_service, serve
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_whole = "system/core/CodeIgniter.php"
_required = framework_rule(
    "codeigniter", ("codeigniter4/framework", "codeigniter/framework"), ("spark", "public/index.php", "index.php")
)


def find(site: Site) -> Finding | None:
    """Its third version came without Composer, in the repositories of those who used it."""
    if not (has_file(site, _whole) and has_file(site, "index.php")):
        return _required.find(site)
    seen = (f"{site.folder.file(_whole)}: the framework itself",)
    return Finding(php_service(site, "codeigniter", ServiceKind.WEB, seen, serve(".")))


RULE = Rule("codeigniter", Language.PHP, MANIFESTS, find)
