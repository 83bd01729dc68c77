"""PHP without a framework: pages, a command, or a library."""

from orket_pipelines.sandboxes.detection.composer import (
    LIBRARIES,
    MANIFEST,
    MANIFESTS,
    has_file,
    php_service,
    read_composer,
    serve,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_pages = (
    "public/index.php",
    "index.php",
    "web/index.php",
    "www/index.php",
    "htdocs/index.php",
    "html/index.php",
    "src/index.php",
)


def find(site: Site) -> Finding | None:
    """Pages where there is an index, unless the package is made for others."""
    composer = read_composer(site)
    files = sorted(name for name in site.folder.files if name.endswith(".php"))
    if MANIFEST not in site.folder.files and not files and not _index(site):
        return None
    index = _index(site)
    theme = {"functions.php", "style.css"} <= site.folder.files
    page = index if composer.kind not in LIBRARIES and not theme else None
    if page and (composer.kind == "project" or not (composer.loads and page == "src/index.php")):
        seen = (f"{site.folder.file(page)}: a page",)
        return Finding(php_service(site, Language.PHP, ServiceKind.WEB, seen, serve(page.rpartition("/")[0] or ".")))
    if composer.commands and composer.kind in {"", "project"}:
        seen = (f"{composer.path}: installs {composer.commands[0]}",)
        return Finding(php_service(site, Language.PHP, ServiceKind.JOB, seen, ("php", composer.commands[0])))
    if theme or (MANIFEST in site.folder.files and (composer.loads or composer.kind in LIBRARIES)):
        seen = (f"{site.folder.path}: parts for others",)
        return Finding(php_service(site, Language.PHP, ServiceKind.LIBRARY, seen, ()))
    if files and "index.html" in site.folder.files:
        seen = (f"{site.folder.file(files[0])}: what a page sends its forms to",)
        return Finding(php_service(site, Language.PHP, ServiceKind.WEB, seen, serve(".")))
    if files:
        seen = (f"{site.folder.file(files[0])}: a program",)
        return Finding(php_service(site, Language.PHP, ServiceKind.JOB, seen, ("php", files[0])))
    return None


def _index(site: Site) -> str | None:
    return next((each for each in _pages if has_file(site, each)), None)


RULE = Rule("php", Language.PHP, MANIFESTS, find)
