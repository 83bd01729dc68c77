"""WordPress: a site with its own files; its plugins and themes are libraries."""

import re

from orket_pipelines.sandboxes.detection.composer import MANIFESTS, has_file, php_service, serve
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_entries = ("wp-config-sample.php", "wp-config.php", "wp-load.php", "wp/wp-load.php", "web/wp-config.php")


_header = re.compile(r"^[ \t/*#@]*(?:<\?php\s+/\*+\s*)?(Plugin|Theme) Name:", re.MULTILINE)
"""By which WordPress itself knows its parts."""
HEADER_LENGTH = 8 * 1024


def find(site: Site) -> Finding | None:
    """A whole site, or a part that others install."""
    entry = next((each for each in _entries if has_file(site, each)), None)
    if entry:
        seen = f"{site.folder.file(entry)}: a WordPress site"
        return Finding(php_service(site, "wordpress", ServiceKind.WEB, (seen,), serve(".")))
    part = next((each for each in sorted(site.folder.files) if _is_part(site, each)), None)
    if part is None:
        return None
    seen = f"{site.folder.file(part)}: a part of WordPress sites"
    return Finding(php_service(site, Language.PHP, ServiceKind.LIBRARY, (seen,), ()))


def _is_part(site: Site, name: str) -> bool:
    """Whether a file begins a plugin or a theme."""
    if not name.endswith(".php") and name != "style.css":
        return False
    return _header.search((site.tree.read(site.folder.file(name)) or "")[:HEADER_LENGTH]) is not None


RULE = Rule("wordpress", Language.PHP, MANIFESTS, find)
