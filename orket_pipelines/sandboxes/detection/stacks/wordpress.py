"""WordPress: a site with its own files."""

from orket_pipelines.sandboxes.detection.composer import MANIFESTS, has_file, php_service, serve
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_entries = ("wp-config-sample.php", "wp-config.php", "wp-load.php", "wp/wp-load.php")


def find(site: Site) -> Finding | None:
    """A whole site; a plugin or a theme is no site."""
    entry = next((each for each in _entries if has_file(site, each)), None)
    if entry is None:
        return None
    seen = (f"{site.folder.file(entry)}: a WordPress site",)
    found = php_service(site, "wordpress", ServiceKind.WEB, seen, serve("."))
    return Finding(found)


RULE = Rule("wordpress", Language.PHP, MANIFESTS, find)
