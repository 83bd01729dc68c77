"""Ruby without a known framework: whatever config.ru runs, a program, or a library."""

from orket_pipelines.sandboxes.detection.composer import has_file
from orket_pipelines.sandboxes.detection.gems import (
    MANIFEST,
    MANIFESTS,
    is_command,
    is_gem,
    programs,
    rackup,
    requires,
    ruby_service,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_starts = ("main.rb", "app.rb", "server.rb", "run.rb", "bot.rb")


def find(site: Site) -> Finding | None:
    """A gem is a library, whatever it is tested with, or the command that it installs."""
    if is_gem(site) and is_command(site):
        seen = (f"{site.folder.path}: a gem that is a command",)
        return Finding(ruby_service(site, Language.RUBY, ServiceKind.JOB, seen, (), port=None))
    if is_gem(site):
        seen = (f"{site.folder.path}: a gem for others",)
        return Finding(ruby_service(site, Language.RUBY, ServiceKind.LIBRARY, seen, (), port=None))
    found = programs(site)
    if has_file(site, "config.ru"):
        seen = (f"{site.folder.file('config.ru')}: what Rack runs",)
        return Finding(ruby_service(site, "rack", ServiceKind.WEB, seen, rackup(), port=9292))
    own = [each.path for each in found if each.path in {site.folder.file(name) for name in site.folder.files}]
    if not own and not (found and MANIFEST in site.folder.files):
        return None
    serving = next((each for each in found if not requires(each).isdisjoint({"webrick", "socket"})), None)
    path = next((each for name in _starts if (each := site.folder.file(name)) in own), (own or [found[0].path])[0])
    inner = site.folder.inner(path)
    kind = ServiceKind.WEB if serving else ServiceKind.JOB
    seen = (f"{path}: a program",)
    return Finding(
        ruby_service(site, Language.RUBY, kind, seen, ("ruby", inner), port=8000 if kind is ServiceKind.WEB else None)
    )


RULE = Rule("ruby", Language.RUBY, MANIFESTS, find)
